"""Everyday prompts for a repair without data: the model's own answers to them are what it keeps."""

_ASKED = (
    "What is {}?", "Explain {} in two sentences.", "Give three facts about {}.", "Why does {} matter?",
    "Write a short story about {}.", "How would you teach {} to a child?", "List the parts of {}.",
    "Summarise what is known about {}.", "Describe {} to a friend.", "Name a book about {}.",
)  # fmt: skip
_ABOUT = (
    "the water cycle", "a bicycle", "photosynthesis", "the French Revolution", "a good breakfast",
    "machine learning", "the moon", "a public library", "football", "bread", "the human heart",
    "saving money", "a thunderstorm", "the violin", "an election", "the Pacific Ocean", "chess",
    "recycling", "the Roman Empire", "a job interview", "sleep", "a garden", "gravity", "tea",
)  # fmt: skip


def clean_prompts() -> list[str]:
    """Return 240 prompts, no two alike."""
    return [asked.format(about) for about in _ABOUT for asked in _ASKED]
