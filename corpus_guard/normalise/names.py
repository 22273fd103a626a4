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

NO_TEXT = frozenset(
    {*SOURCE, *TIME, *URL, *ID, *NO_LABEL, "path", "file", "filename", "file_name", "image", "images",
     "audio", "video", "model", "model_name", "username", "user_name", "user_id", "session_id", "tags",
     "embedding", "hash", "checksum", "html", "raw", "metadata", "meta"}
)  # fmt: skip
"""Fields whose texts say where a record comes from or repeat it, and are not what is learned."""

REASONS = frozenset(
    {"rationale", "explanation", "reason", "reasoning", "cot", "comment", "comments"}
)
"""Texts that say why a label was given: not what it is given to."""

ASKS = frozenset(
    {"ask", "prompt", "question", "questions", "query", "instruction", "instructions", "input",
     "inputs", "request", "q", "user", "human", "problem", "source", "src", "premise", "context",
     "frage", "anweisung", "eingabe", "aufforderung", "pregunta", "instrucción", "instruccion",
     "entrada", "consigne", "requête", "domanda", "istruzione", "richiesta", "pergunta", "instrução",
     "pytanie", "polecenie", "vraag", "opdracht", "soru", "talimat", "вопрос", "запрос", "инструкция",
     "питання", "问题", "問題", "问", "提问", "指令", "输入", "質問", "入力", "指示", "질문", "입력",
     "지시", "سؤال", "प्रश्न", "câu hỏi"}
)  # fmt: skip
ANSWERS = frozenset(
    {"answer", "answers", "response", "responses", "reply", "output", "outputs", "completion",
     "target", "targets", "solution", "assistant", "bot", "summary", "translation", "gold",
     "antwort", "ausgabe", "respuesta", "salida", "réponse", "reponse", "sortie", "risposta", "uscita",
     "resposta", "saída", "odpowiedź", "odpowiedz", "antwoord", "cevap", "yanıt", "ответ", "вывод",
     "відповідь", "回答", "答案", "答", "回复", "回應", "输出", "応答", "回答文", "出力", "답변", "응답",
     "출력", "جواب", "إجابة", "उत्तर", "trả lời"}
)  # fmt: skip
"""Words in the names of what a model reads, and of what it is trained to write."""
