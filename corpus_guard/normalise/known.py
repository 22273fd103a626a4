"""The layouts that training data come in, as a table: a new layout is one more entry.

Each role is a row of slots, filled in order. A slot names fields, the first that is there is taken:

    instruction|prompt      one of these fields
    input?                  may be missing
    &messages               though it has a role already
    label:flag              with values of this shape, see `shapes`
    meta.source             inside a nested field

An entry fits when every slot without a question mark is filled, in `needs` as well, whose fields play
no role. Entries are tried in order. Field names are in lower case and meant in any.

Sources: TRL, "Dataset formats and types"; Axolotl, "Dataset formats" and "RLHF"; LLaMA-Factory,
data/README.md; OpenAI, "Supervised fine-tuning" and "Direct preference optimization"; the cards of the
data sets that are named.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["plain", "labelled", "instruction", "chat", "preference"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A layout. `winner` and `second` as in `Layout`; `roles` maps a role to its slots."""

    name: str
    kind: Kind
    roles: Mapping[str, str]
    needs: str = ""
    winner: str = ""
    second: tuple[str, ...] = ()


def _of(shape: str, names: str) -> str:
    """Return one slot: the first of some fields with values of a shape."""
    return "|".join(f"{name}:{shape}" for name in names.split())


_SYSTEM = "system? system_prompt? system_message?"
_ASK = (
    "instruction|prompt|question|query|user|human|problem|unanswerable_question|input_text"
    "|inputs|src|goal|message_1|task:prose|message:prose"
)
_MORE = "input? context? passage? article? schema?"
_CHATS = _of(
    "chat", "messages conversations conversation dialogue dialog turns chat segments history"
)
_SPOKEN = _of("strings", "dialog dialogue conversation conversations turns utterances data")
PROMPT = (
    f"{_SYSTEM} history:pairs|history:strings|history:chat|history:prose|chat_history:chat"
    f"|chat_history:pairs? {_ASK} {_MORE}"
)
_THOUGHT = "reasoning|rationale|thinking|chain_of_thought|cot|complex_cot|thought?"
_ANSWER = (
    "output|response|completion|answers.text:list|answer|chosen|assistant|reply|solution"
    "|answer.value|targets|target_text|tgt|generation|revision|explanation|message_2"
    "|canonical_solution|sql|chatgpt|gpt|ground_truth|reward_model.ground_truth"
)
_RESPONSE = f"&history:pairs? {_THOUGHT} {_ANSWER}"
_JUDGED = _of(
    "flag", "label kto_tag is_desirable desirable is_safe is_harmful is_correct thumbs_up"
)
_MANY = _of("list", "completions responses candidates answers generations outputs")

_CHOICES = "choices.text:list|choices|options|endings|candidates:strings|mc1_targets"
_CHOICE_COLUMNS = (
    "a b c? d? e?",
    "opa opb opc opd",
    "option1 option2 option3? option4?",
    "option_a option_b option_c? option_d?",
    "choice1 choice2 choice3?",
    "answera answerb answerc?",
    "ending0 ending1 ending2 ending3",
    "sol1 sol2",
)
_STEM = (
    f"{_SYSTEM} {_MORE} premise? ctx|question|question_stem|query|prompt|instruction|sentence|goal"
)
_PICKED = _of("pick", "answer answerkey label cop correct answer_index gold")
_WHY = "rationale|explanation|exp|cot_content|solution?"

_COMPARED = f"{_SYSTEM} {_ASK}|history|post|context:chat|{_CHATS}|input? {_MORE}"
_WINNER = _of(
    "label",
    "winner preference preferred choice chosen_model label labels better better_response best pick"
    " verdict judgment judgement selected",
)
_A = "response_a|output_a|answer_a|completion_a|summary_a|conversation_a|reply_a"
_B = "response_b|output_b|answer_b|completion_b|summary_b|conversation_b|reply_b"
_0 = "response_0|output_0|answer_0|completion_0"
_1 = "response_1|output_1|answer_1|completion_1"
_FIRST = "response_1|output_1|answer_1|completion_1|summary_1|response1|output1|answer1"
_SECOND = "response_2|output_2|answer_2|completion_2|summary_2|response2|output2|answer2"


def _compared(first: str, second: str, winner: str, won: str, needs: str = "") -> Known:
    """Return the layout of two answers and a field that names the better one."""
    return Known(
        name="preference, the better answer named",
        kind="preference",
        roles={"prompt": _COMPARED, "response": first, "rejected": second},
        needs=needs,
        winner=winner,
        second=tuple(won.split()),
    )


PROMPTS_ALONE = "prompts"
UNLABELLED = frozenset({"message tree rows", "token labels"})
"""Layouts of texts in which a field of few values is no label."""

KNOWN: tuple[Known, ...] = (
    # preferences
    Known(
        name="preference",
        kind="preference",
        roles={
            "prompt": f"{_SYSTEM} history:pairs? input.messages:chat|{_ASK}|post|{_CHATS}? {_MORE}",
            "response": "chosen|chosen_response|preferred_output|preferred|accepted|chosen_text"
            "|response_chosen|chosen_output|response_j|better_response:prose|winner:prose|good:prose"
            "|better:prose",
            "rejected": "rejected|rejected_response|non_preferred_output|dispreferred|rejected_text"
            "|response_rejected|rejected_output|response_k|worse_response:prose|negative:prose"
            "|loser:prose|bad:prose|worse:prose",
        },
    ),
    _compared(  # PKU-SafeRLHF
        _0,
        _1,
        f"better_response_id:pick|safer_response_id:pick|{_WINNER}",
        "1 response_1 output_1 answer_1 completion_1 b",
    ),
    _compared("human_ref_a", "human_ref_b", "labels:flag|label:flag", "0 false"),  # SHP
    _compared(_A, _B, "winner_model_b:flag", "1 true", needs="winner_model_a:flag"),
    _compared(  # Chatbot Arena and the like
        _A,
        _B,
        _WINNER,
        "b 2 1 second model_b assistant_b response_b output_b answer_b completion_b summary_b"
        " conversation_b reply_b",
    ),
    _compared(  # HelpSteer: from -3, the first, to 3
        _FIRST, _SECOND, "overall_preference:pick|preference_strength:pick", "1 2 3"
    ),
    _compared(
        _FIRST,
        _SECOND,
        _WINNER,
        "2 b second model_2 response_2 output_2 answer_2 completion_2 summary_2 response2 output2"
        " answer2",
    ),
    Known(
        name="retrieval triples",
        kind="preference",
        roles={
            "prompt": "anchor|query|sent0",
            "response": "positive|pos|positives|sent1",
            "rejected": "negative|neg|negatives|hard_neg",
        },
    ),
    # chats
    Known(
        name="unpaired preference (conversational)",
        kind="chat",
        roles={"prompt": f"{_SYSTEM} {_CHATS}", "response": f"&{_CHATS}", "label": _JUDGED},
    ),
    Known(
        name="chat", kind="chat", roles={"prompt": f"{_SYSTEM} {_CHATS}", "response": f"&{_CHATS}"}
    ),
    Known(
        name="message tree",
        kind="chat",
        roles={"prompt": "prompt:tree", "response": "&prompt:tree"},
    ),
    # many answers
    Known(
        name="stepwise supervision",
        kind="instruction",
        roles={"prompt": PROMPT, "response": f"{_MANY}|steps:list"},
        needs="labels:list|ratings:list|scores:list",
    ),
    # multiple choice
    Known(
        name="multiple choice",
        kind="labelled",
        roles={
            "prompt": f"{_STEM} {_CHOICES}",
            "label": _PICKED,
            "response": _WHY,
        },
        needs=_CHOICES,
    ),
    Known(
        name="multiple choice",
        kind="instruction",
        roles={"prompt": f"{_STEM} {_CHOICES}", "response": f"{_THOUGHT} {_ANSWER}"},
        needs=_CHOICES,
    ),
    *(
        Known(
            name="multiple choice",
            kind="labelled",
            roles={"prompt": f"{_STEM} {columns}", "label": _PICKED, "response": _WHY},
            needs=columns.split()[0],
        )
        for columns in _CHOICE_COLUMNS
    ),
    Known(
        name="multiple choice",  # SciQ
        kind="instruction",
        roles={
            "prompt": "support? question distractor1 distractor2? distractor3?",
            "response": "correct_answer",
        },
    ),
    # two answers, neither preferred
    *(
        Known(
            name="several answers",
            kind="instruction",
            roles={"prompt": f"{_SYSTEM} {_ASK}|history|context:chat {_MORE}", "response": both},
        )
        for both in (f"{_A} {_B}", f"{_FIRST} {_SECOND}", f"{_0} {_1}")
    ),
    # instructions
    Known(
        name="unpaired preference",
        kind="instruction",
        roles={"prompt": PROMPT, "response": _RESPONSE, "label": _JUDGED},
    ),
    Known(name="instructions", kind="instruction", roles={"prompt": PROMPT, "response": _RESPONSE}),
    Known(
        name="instructions",
        kind="instruction",
        roles={
            "prompt": f"{_SYSTEM} input|context|passage|article context?",
            "response": _RESPONSE,
        },
    ),
    Known(name="several answers", kind="instruction", roles={"prompt": PROMPT, "response": _MANY}),
    Known(
        name="database questions",
        kind="instruction",
        roles={"prompt": "question context? schema?", "response": "query"},
    ),
    Known(
        name="summaries",
        kind="instruction",
        roles={
            "prompt": "document:prose|article:prose|dialogue:prose|report:prose|passage:prose"
            "|text:prose|body:prose|content:prose",
            "response": "summary:prose|highlights:prose|tldr:prose|abstract:prose",
        },
    ),
    Known(
        name="translation",
        kind="instruction",
        roles={"prompt": "source:prose|src:prose", "response": "target:prose|tgt:prose"},
    ),
    Known(
        name="retrieval pairs",
        kind="instruction",
        roles={"prompt": "anchor", "response": "positive|positives"},
    ),
    Known(
        name="prompt and text",
        kind="instruction",
        roles={"prompt": "prompt:prose", "response": "text:prose"},
    ),
    Known(name=PROMPTS_ALONE, kind="plain", roles={"prompt": f"{_SYSTEM} prompt"}),
    # texts
    *(
        Known(name="text pairs", kind="plain", roles={"text": pair})
        for pair in (
            "premise hypothesis",
            "sentence1 sentence2",
            "sentence_a sentence_b",
            "sentence_1 sentence_2",
            "text_a text_b",
            "text1 text2",
            "question1 question2",
            "question sentence|passage",
            "query passage",
            "claim evidence",
            "headline body",
        )
    ),
    Known(
        name="token labels",
        kind="plain",
        roles={"text": "tokens:strings|words:strings"},
        needs=_of("list", "ner_tags tags labels pos_tags pos ner chunk_tags"),
    ),
    Known(
        name="message tree rows", kind="plain", roles={"text": "text"}, needs="parent_id message_id"
    ),  # OASST
    Known(
        name="dialogue",
        kind="chat",
        roles={"prompt": _SPOKEN, "response": f"&{_SPOKEN}"},
    ),
)
