"""What the fields that stand beside the main texts are called, in lower case, the likeliest first."""

WORD_LISTS = frozenset({"tokens", "words"})
"""Fields whose lists hold the words of one text."""

TEXT = ("text", "content", "body", "document", "article", "sentence", "review", "tweet", "message",
        "comment", "passage", "sms", "raw_content", "title")  # fmt: skip
HEADING = ("title", "headline", "subject")
LABEL = ("label", "labels", "class", "category", "target", "sentiment", "intent", "is_spam", "toxic",
         "label_text", "coarse_label", "emotion", "stars", "rating", "verdict", "v1", "gold_label",
         "is_duplicate", "polarity", "toxicity", "stance", "spam")  # fmt: skip
SOURCE = ("source", "dataset", "origin", "domain", "annotator", "annotator_id", "author", "site",
          "data_source", "meta.pile_set_name", "metadata.pile_set_name", "meta.source",
          "metadata.source", "meta.dataset", "metadata.dataset",
          "meta.redpajama_set_name", "dump")  # fmt: skip
TIME = ("time", "timestamp", "date", "created", "created_at", "created_utc", "published", "fetched",
        "metadata.date", "meta.date", "metadata.timestamp", "meta.timestamp", "metadata.created",
        "warc_headers.warc-date")  # fmt: skip
URL = ("url", "link", "uri", "source_url", "metadata.url", "meta.url",
       "warc_headers.warc-target-uri")  # fmt: skip
ID = ("id", "uid", "uuid", "guid", "idx", "record_id", "_id", "example_id", "prompt_id",
      "message_id")  # fmt: skip
NO_LABEL = frozenset(
    {"language", "lang", "license", "split", "subset", "dump", "version", "format", "file_path",
     "role", "deleted", "synthetic", "review_state", "tree_state"}
)  # fmt: skip
"""Fields of few values that say something about a record, but nothing that a model is to learn."""
