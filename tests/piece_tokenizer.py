"""A tokenizer of letters and a few words, whose words start with a blank, as those of GPT-2 do."""

from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

LETTERS = "abcdefghijklmnopqrstuvwxyz"
WORDS = ("tell", "me", "what", "is", "the", "river", "garden", "how", "old", "write", "list", "say")


def made() -> PreTrainedTokenizerFast:
    """Return the tokenizer: letters, letters after a blank, and `WORDS` after a blank."""
    blank = "\u0120"
    names = ["<pad>", "<s>", "</s>", *LETTERS, ":", ".", "?", blank]
    merges: list[tuple[str, str]] = []
    for word in (*LETTERS, *WORDS):
        for end in range(1, len(word) + 1):
            name = f"{blank}{word[:end]}"
            if name not in names:
                names.append(name)
                merges.append((f"{blank}{word[: end - 1]}", word[end - 1]))
    inner = Tokenizer(models.BPE({name: i for i, name in enumerate(names)}, merges))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=inner, pad_token="<pad>", bos_token="<s>", eos_token="</s>"
    )
