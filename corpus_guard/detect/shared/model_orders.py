"""Whether a text that no reader sees tells a model what to do.

Cues of three kinds are looked for: whom the text speaks to (a model that reads it, by name or by the
markup of a system prompt), an imperative about what a model does, and what is to be steered by it (what
users are told, how something is rated, what came before). One cue proves nothing: text about models names
them, forms give orders, shops recommend. Cues count together within a few sentences.

Sources: the wordings in Greshake et al. (2023), Willison's collection of prompt injections, and hidden
prompts in papers (2025); which weights tell them from honest hidden text is ours, see
scripts/benchmark_hidden.py.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from corpus_guard.detect.shared.marks import for_python
from corpus_guard.detect.shared.overrides import OTHER_SCRIPTS, OVERRIDE

WINDOW = 320
_STEP = 4000
SHOWN = 400

_NAMES = (
    r"(?:chat ?gpt|gpt-?\d\w*|claude|gemini|copilot|perplexity|grok|bard|deepseek|mistral|llama)"
)
_MODEL = (
    r"(?:ais?|a\.i\.|llms?|gpts?|(?:large |ai )?language models?|foundation models?|"
    r"artificial intelligences?|generative ai|chat ?bots?|"
    r"ai[- ](?:\w+[- ])?(?:assistants?|models?|agents?|systems?|crawlers?|bots?|readers?|tools?|"
    r"summari[sz]ers?|reviewers?|engines?|recruiters?|screeners?|graders?|evaluators?|scrapers?|shoppers?|"
    r"browsers?|detectors?|judges?)|llm[- ](?:\w+[- ])?(?:agents?|readers?|crawlers?|reviewers?)|"
    r"(?:automated|automatic|machine) (?:agents?|systems?|summari[sz]ers?|readers?|reviewers?|assistants?)|"
    r"(?:virtual|digital) assistants?|summari[sz]ers|"
    r"ki-(?:assistent|modell|system|agent)\w*|sprachmodelle?n?|modèles? de langage|assistants? ia|"
    r"modelos? de (?:lenguaje|linguagem)|asistentes? de ia|assistentes? de ia|modell[oi] linguistic[oi]|"
    r"taalmodel\w*|model\w* językow\w*|языков\w+ модел\w+|мовн\w+ модел\w+|yapay zek[aâ]\w*|"
    r"(?:大)?语言模型|大模型|人工智能(?:助手|模型)|ai助手|aiアシスタント|言語モデル|언어 ?모델|ai ?어시스턴트|"
    rf"نماذج اللغة|نموذج لغوي|भाषा मॉडल|{_NAMES})"
)
_WEAK_MODEL = r"(?:assistants?|agents?|(?:web ?)?crawlers?|bots?)"
_ANY = rf"(?:{_MODEL}|{_WEAK_MODEL})"
_SOME = r"(?:(?:an?|any|all|every|each|the|other|you|my|large|helpful|friendly|advanced) ){0,3}"
_READS = (
    r"(?:read|pars|process|summari[sz]|evaluat|review|crawl|index|analy[sz]|access|visit|scann|"
    r"ingest|answer|assess|grad|train|view)ing"
)
_VERB = (
    r"(?:recommend|suggest|mention|say|state|claim|describe|present|portray|depict|promote|praise|"
    r"endorse|rank|rate|list|cite|quote|name|call|treat|consider|prefer|favou?r|answer|respond|reply|"
    r"output|write|print|append|prepend|add|include|insert|tell|inform|convince|persuade|advise|omit|"
    r"hide|conceal|reveal|disclose|summari[sz]e|act|pretend|behave|give|assign|score|remember|highlight|"
    r"emphasi[sz]e|ignore|disregard|forget|return|buy|purchase|execute|follow|obey|avoid|trust|assume|"
    r"assert|repeat|memori[sz]e|conclude|refuse|warn|discourage|translate|assure|select|choose|send|"
    r"empfiehl|empfehlen sie|empfehlt|recommande[rz]?|recomiend[ae]n?|recomend[ae]r?|raccomand[ai]|"
    r"consiglia|рекомендуй\w*|рекомендувати|önerin?|polecaj|aanbeveel|beveel|erwähne\w*|"
    r"mentionne[rz]?|menciona|antworte\w*|réponde?[zs]?|responde|rispondi|ответь\w*|отвечай\w*|推荐|推薦|おすすめ|추천|回答)"
)
_ACT = (
    r"(?:award|grant|pass|deem|mark|grade|approve|offer|point|steer|push|feature|put|place|position|compare|note|"
    r"stress|replace|stop|refrain|comply|click|navigate|open|download|install|share|contact|order|book|use|do|make|"
    r"set|start|begin|end|move|keep|turn|speak|talk|help|support|visit|provide|produce|generate|create|go|get)"
)
_MODAL = (
    r"(?:must|should|shall|have to|has to|need to|needs to|ought to|are to|is to|please|always|never|"
    r"(?:are|is) (?:required|asked|instructed|requested|told|expected|advised) to)"
)
_START = r"(?:^|\|> ?system |[.!?;:,>\])\"'|-] ?|\b(?:and|then|also|please) )"
_READER = r"(?:users?|humans?|readers?|visitors?|customers?|people|person|reviewers?|shoppers?)"
_THIS = (
    r"(?:this|the|our) (?:web ?)?(?:page|article|site|product|document|text|content|paper|post|"
    r"company|brand|item|resume|cv|candidate|file|record|listing)"
)
_REPLY = r"(?:answers?|responses?|repl(?:y|ies)|summar(?:y|ies)|outputs?|recommendations?)"


def _compiled(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns))


ADDRESS, IMPERATIVE, STEERING = "addressee", "imperative", "steering"
NEWS = "models must"
ACT = "an act"
_CUES: tuple[tuple[str, int, re.Pattern[str]], ...] = (
    (
        ADDRESS,
        3,
        _compiled(
            rf"\bif you(?:'re| are) (?:currently |actually )?{_SOME}{_MODEL}(?:[,.:;(]| \w+ing\b| (?:or|and|that|"
            r"which|please|then|you|do)\b|$)",
            rf"\b(?:attention|note|notes|notice|message|warning|instructions?|reminder|request|memo|"
            rf"hint|guidance|directives?) (?:to|for) {_SOME}{_MODEL}\b",
            rf"\b(?:attention|dear|hey|hello)[,:!]? {_SOME}{_MODEL}\b",
            rf"\b{_ANY}(?: (?:that|who|which))?(?: (?:is|are))? {_READS} (?:this|the|these|our)\b",
            rf"\bmodels? {_READS} this\b",
            rf"\b{_ANY} (?:that|who|which) (?:reads?|parses?|process(?:es)?|sees?|crawls?|summari[sz]es?) (?:this|our)\b",
            rf"\b(?:si vous êtes|si tu es|wenn du|wenn sie|si eres|si es usted|se você é|se sei|als je|если (?:ты|вы)|"
            rf"якщо (?:ти|ви)|jeśli jesteś|eğer bir|如果你是|如果您是|もしあなたが)[^.]{{0,14}}(?:{_MODEL}|\bia\b|\bki\b|ии\b|ai)",
            rf"\bas an? (?:\w+ )?{_MODEL}[^.,]{{0,40}},? you\b",
            r"\byour (?:system prompt|training data|context window|system instructions)\b",
            rf"\b(?:reviewers?|anyone|people|those|recruiters?|everyone) using {_SOME}{_MODEL}\b",
            r"<\|im_start\|> ?system\b|<\|start_header_id\|> ?system|<<sys>>|<\|system\|>",
        ),
    ),
    (
        ADDRESS,
        2,
        _compiled(
            rf"\b(?:hey|hello|dear|attention)[,:!]? {_SOME}{_WEAK_MODEL}\b",
            rf"\bif you(?:'re| are) {_SOME}{_WEAK_MODEL}\b",
            rf"\bnote (?:to|for) {_SOME}{_WEAK_MODEL}\b",
            rf"(?:^|[.!?;>-] ?)(?:(?:to|for) )?{_SOME}{_MODEL} ?[:,-] ?(?:please |always |never |you |do not )?{_VERB}\b",
            rf"(?:^|[.!?;>-] ?)(?:to|for) {_SOME}{_MODEL} ?:",
            rf"\byou are (?:now )?(?:an? |the |my )?(?:[\w-]+ ){{0,3}}{_ANY}\b",
            r"\[/?inst\]|<\|(?:im_start|im_end|user|assistant|eot_id|endoftext)\|>|<start_of_turn>",
            r"^\W{0,4}(?:system|developer)(?: (?:prompt|message|instructions?|override|note))?\]? ?:",
            r"[.>] ?system(?: (?:prompt|message|instructions?|override))? ?:",
        ),
    ),
    (
        ADDRESS,
        -2,  # what models must do is NEWS in public descriptions
        _compiled(
            rf"(?:^|[.!?;:>,-] ?|\b(?:all|any|every|and|that|note) ){_MODEL},?(?: [\w-]+){{0,2}}? {_MODAL}\b"
        ),
    ),
    (ADDRESS, 1, _compiled(rf"(?<![a-z0-9]){_ANY}(?![a-z0-9])")),
    (
        ACT,
        1,
        _compiled(
            rf"{_START}(?:(?:always|never|only|just|do not|don't) ){{0,2}}{_ACT}\b",
            rf"\b{_MODAL} {_ACT}\b",
        ),
    ),
    (
        IMPERATIVE,
        2,
        _compiled(
            rf"\b(?:always|never|only|do not|don't|must not|should not) (?:also |ever |only )?{_VERB}\b(?! us\b)(?! me\b)",
            r"\b(?:must|should|shall) (?:always|only|never) be (?:recommended|mentioned|described|rated|ranked|cited|named)\b",
        ),
    ),
    (
        IMPERATIVE,
        1,
        _compiled(
            rf"{_START}(?:(?:always|never|only|just|do not|don't|kindly|must|should) ){{0,2}}{_VERB}\b(?! us\b)(?! me\b)",
            rf"\b{_MODAL} (?:(?:always|never|only|also|not|be|please) ){{0,2}}{_VERB}\b(?! us\b)(?! me\b)",
            rf"\byour {_REPLY} (?:must|should|shall|has to)\b",
            rf"(?:^|[.!?;:>\]] ?|\|> ?system )you (?:always |never |only |now )?{_VERB}\b",
            r"\b(?:assistant|ai|model|chatbot|bot) (?:always |never |only )?(?:recommends|suggests|mentions|answers|says|"
            r"describes|promotes|prefers|praises|ranks|responds|replies|refuses)\b",
            r"\b(?:must|should|is to|are to|has to|have to|shall) (?:always |only )?be (?:recommended|mentioned|described|"
            r"rated|ranked|cited|presented|named|listed|called|answered|suggested|promoted|praised)\b",
            r"推荐|推薦|おすすめ|추천|рекомендуй|empfehlen sie|empfiehl|回答",
        ),
    ),
    (
        STEERING,
        2,
        _compiled(
            rf"\b(?:when|while|whenever|before|after|if) (?:you (?:are )?)?(?:asked to )?"
            rf"(?:summari[sz]|describ|review|evaluat|recommend|discuss|cit|translat|answer)(?:ing|e) "
            rf"(?:questions? about )?(?:about )?{_THIS}",
            rf"\b(?:when|whenever|if) (?:you are |{_SOME}{_READER} )?(?:asked|asks?) "
            r"(?:about|for (?:the |a )?(?:best|top|cheapest|safest|good|recommend))\w*",
            rf"\b{_REPLY} (?:of|about|on|to) (?:{_THIS}|us) (?:must|should|shall|have to|need to)\b",
            rf"\bwhen (?:generating|writing|creating|producing|composing) {_SOME}{_REPLY}",
            rf"\b(?:do not|don't|never|must not|should not|may not) (?:\w+ )?(?:tell|inform|reveal|disclose|"
            rf"mention|alert|notify|warn)(?: [\w']+){{0,4}}? (?:the |any |your |our |this )?{_READER}\b",
            rf"\bwithout (?:telling|informing|alerting|notifying) (?:the |any |your )?{_READER}\b",
            rf"{_START}(?:tell|inform|convince|persuade|advise|instruct) (?:the |all |any |your |every )?{_READER} "
            r"(?:to|that|this|they|of)\b",
            rf"\byour {_REPLY} (?:must|should|shall|has to) (?:always )?(?:begin|start|end|recommend|"
            r"mention|say|praise|favou?r|be positive)",
            rf"{_START}(?:(?:you|and) )?(?:always|never|only|must) (?:always |only )?(?:recommend|praise|"
            r"promote|endorse|portray|favou?r|advertise)\b",
            rf"{_START}(?:always|never|only|must) (?:mention|cite|describe|present|suggest|rate|rank|call|"
            r"name|list)\b[^.]{0,80}\b(?:as|competit\w+|best|first|number one|top|positive\w*|leader|stars)\b",
            rf"{_START}recommend (?:[\w'-]+ ){{1,6}}as (?:the |a |an |your )?(?:best|top|number|first|only|"
            r"leading|safest|preferred)",
            r"\b(?:only|give|write) (?:a |an )?(?:positive|favou?rable|glowing)[\w -]{0,20} (?:review|rating|score)s? only\b",
            rf"\b(?:do not|don't|never) (?:summari[sz]e|translate|analy[sz]e|criticise|criticize) {_THIS}",
            rf"{_START}(?:answer|respond to|reply to) (?:every|all|any) (?:questions?|quer(?:y|ies)|requests?|prompts?) (?:with|by|as)\b",
            r"\b(?:remember|memori[sz]e|save|store)\b[^!?]{1,60}?\b(?:as (?:a |an |the |your )?(?:trusted|preferred|reliable|"
            r"authoritative)|in (?:your |long-term )?memory|for (?:all )?future (?:conversations?|responses|answers))",
            r"\b(?:do not|don't|never) (?:highlight|mention|list|point out|discuss) (?:any |the |its |their )?(?:negatives?|"
            r"weaknesses|flaws|criticisms?|downsides|limitations|shortcomings|drawbacks)\b",
            r"\brecommend accept",
            rf"\bin your {_REPLY},? (?:always|never|only|you must)\b",
            rf"\bwhen(?:ever)? {_SOME}{_READER} (?:wants?|needs?|looks? for|search(?:es)? for|(?:is|are) looking for|compares?)"
            r"\b[^.]{1,60}, ?(?:always |only )?(?:recommend|suggest|mention|name|promote)\b",
            r"\b(?:rank|rate|score|select|prefer|recommend) (?:this|our) (?:candidate|applicant|resume|cv|paper|submission|product|"
            r"company|brand|site|page|hotel|article)\b[^.]{0,40}\b(?:first|highest|top|best|10|strong\w*|above)\b",
            r"\byour new (?:instructions|role|task|system prompt|purpose)\b",
            r"\bfrom now on,? (?:you (?:are|will|must)|always|only|respond|answer)\b",
            r"\b(?:reveal|print|repeat|output|leak|send|post|forward|upload) (?:[\w']+ ){0,4}(?:system prompt|"
            r"chat history|conversation history|api keys?|environment variables|ssh keys?)\b",
            rf"\b(?:insert|append|add|include) [^.]{{1,60}} (?:to|in|into) (?:your|every|each|all) {_REPLY}",
        ),
    ),
    (
        STEERING,
        1,
        _compiled(
            rf"\b(?:your|every|each|all|any) {_REPLY}\b",
            rf"\b(?:the |our )?{_READER}\b|\b(?:5|five|10)[- ](?:out of (?:5|10) )?stars?\b",
            r"\brecommend\b|\b(?:best|top|number one|#1|leading|first|only|safest|most trusted|highest)\b",
            r"\b(?:positive|negative|competitors?|competing|trustworthy|ethical|verified|secretly)\b",
            r"\b(?:our|this) (?:store|shop|site|page|brand|product|company|service|app|shares|hotel|"
            r"document|text|paper|candidate|note|message|study|essay|book|"
            r"video|course|clinic|restaurant|offer|bank|vendor|source)\b|\bnothing else\b|\bkeep this secret\b|"
            r"\b(?:lawsuits?|scandals?|recalls?|complaints?|side effects|allegations?)\b|\b(?:recommend|praise|mention|rate|rank|choose|promote) us\b",
            r"\b(?:in rhyme|system prompt|instructions?|guidelines)\b|https?://|\blink to\b",
            r"\bals beste|besten?\b|unseren? |推荐|推薦|最好|最佳|mejor|meilleur|migliore|лучш",
        ),
    ),
)
ADDRESSED = _CUES[0][2]
"""Text that speaks to a model outright."""

PAYLOAD = re.compile(
    rf"\W{{0,4}}(?:and |then |instead |now |just |please |only |you (?:must |should )?){{0,3}}{_VERB}\b"
)
_OVERRIDE = re.compile(for_python(f"{OVERRIDE}|{OTHER_SCRIPTS}"))
_LOOKS_ROUND = re.compile(r"\(\?<?![^()]*\)")
_LETTER = re.compile(r"messages?$")
"""Letters to customers are to be ignored as well."""

_TODO = re.compile(r"\b(?:todo|fixme|xxx|hack|@todo)\b")
_SENTENCE_END = re.compile(r"[.!?。！？](?:\s|$)|\n")
PUBLIC = ("attribute content", "attribute alt", "attribute title", "data in a script")
"""Where pages say in public what they are about: that models must do something is news there."""


HINTS = (
    r"(?i:\b(?:ais?|llms?|gpts?|chat ?gpt|gpt-?\d|claude|gemini|copilot|perplexity|grok|bard|deepseek|mistral|"
    r"llama|assistants?|agents?|chat ?bots?|crawlers?|bots?|summari[sz]ers?|summari[sz]ing|summari[sz]e|"
    r"ask(?:s|ed)? (?:about|for)|from now on|your new|your (?:answer|response|reply|output|summary)|"
    r"(?:always|never|only|must) (?:\w+ )?(?:recommend|praise|promote|endorse|portray|favou?r|advertise|mention|"
    r"cite|describe|present|suggest|rate|rank|call|name|list)|(?:generating|writing|creating|producing|"
    r"composing) (?:an? |the |your |any )?(?:answers?|responses?|repl\w+|summar\w+|outputs?|recommendations?)|"
    r"(?:tell|inform|convince|persuade|advise|instruct|telling|informing|alerting|notifying) (?:the |all |any |your |"
    r"every )?(?:users?|humans?|readers?|visitors?|customers?|people|person|reviewers?|shoppers?))\b|"
    r"\b(?:do not|don't|never|must not|should not|may not) (?:\w+ )?(?:tell|inform|reveal|disclose|mention|alert|"
    r"notify|warn)|\b(?:system|developer)(?: (?:prompt|message|instructions?|override|note))?\]?\s*:|system prompt|"
    r"(?:chat|conversation) history|recommend \S|language model|a\.i\.|artificial intelligence|"
    r"automat(?:ed|ic) |machine |\[/?inst|<<sys|&lt;&lt;sys|<\||&lt;\||start_of_turn|"
    r"si vous êtes|si tu es|wenn du|wenn sie|si eres|se você é|se sei|als je|если|якщо|jeśli jesteś|eğer bir|如果|もし|"
    r"recommend(?:ed|ing)? |remember |when(?:ever)? \w+ (?:\w+ )?(?:wants?|needs?|looks? for|search|(?:is|are) looking|compares?)|memori[sz]e|your memory|(?:summar|answer|respons|descri|repl|output)\w* (?:of|about|on|to) (?:this|the|our|us) |(?:answer|respond to|reply to) (?:every|all|any) |future (?:conv|resp|answ)|weaknesses|rank this|rate this|models? \w+ing this|"
    r"ki-|sprachmodell|modèles? de|modelos? de|assistentes? de|asistentes? de|assistants? ia|modell[oi] ling|"
    r"taalmodel|językow|языков|мовн|yapay|模型|人工智能|ai助手|アシスタント|言語モデル|모델|어시스턴트|نماذج|نموذج|मॉडल)"
)
"""What any text with an order holds that is no override, in a syntax that RE2 and Python share."""

ADDRESSED_HINTS = (
    r"(?i:\bif you(?:'re| are) |\b(?:attention|note|notes|notice|message|warning|instructions?|reminder|dear|hey|"
    r"hello)[,:!]? (?:(?:to|for|all|any|every|an?|the) ){0,3}(?:ai|llm|gpt|chat|lang|large|art)|"
    r"\b(?:ais?|llms?|models?|assistants?|agents?|crawlers?|bots?)(?: \w+){0,2} \w+ing (?:this|the|these|our)\b|"
    r"\bas an? (?:\w+ )?(?:ai|llm|language model)\b|im_start|<<sys|\busing (?:ai|llm|chat ?gpt|gpt|claude))"
)
"""What nearly all text holds that speaks to a model outright."""

_HINTS = re.compile(for_python(HINTS))


class Order(NamedTuple):
    """An order to a model: the sentences, the words that decide, how much speaks for it, and what.

    `is_addressed` says that it speaks to models outright.
    """

    text: str
    core: str
    weight: int
    cues: str
    is_addressed: bool = False


class _Cue(NamedTuple):
    start: int
    end: int
    kind: str
    weight: int


def order_in(words: str, how: str = "") -> Order | None:
    """Return the order to a model in a plain text that is hidden, or None; `how` is where."""
    found = _OVERRIDE.search(words)
    if found and not _LETTER.search(found[0]):
        return Order(_around(words, *found.span()), found[0], 4, "override")
    if not _HINTS.search(words):
        return None
    best = [_best_in(words, at, how in PUBLIC) for at in range(0, len(words), _STEP)]
    return max((one for one in best if one), key=lambda one: one.weight, default=None)


def _best_in(words: str, first: int, is_public: bool) -> Order | None:
    """Return the order for which most speaks in some thousand characters from `first` on."""
    cues = sorted(_cues(words, first, first + _STEP + WINDOW, is_public))
    best: Order | None = None
    start = 0
    for last, cue in enumerate(cues):
        while cue.end - cues[start].start > WINDOW and start < last:
            start += 1
        held = cues[start : last + 1]
        weights = {
            kind: max((one.weight for one in held if one.kind == kind), default=0)
            for kind in (ADDRESS, NEWS, IMPERATIVE, STEERING, ACT)
        }
        weight = _verdict(weights, words[max(0, held[0].start - 30) : cue.end])
        if weight and (best is None or weight > best.weight):
            begin, end = held[0].start, max(one.end for one in held)
            begin += len(words[begin:end]) - len(words[begin:end].lstrip(" .!?;:,>])\"'|-"))
            told = " + ".join(kind for kind in weights if weights[kind])
            best = Order(
                _around(words, begin, end), words[begin:end], weight, told, weights[ADDRESS] == 3
            )
    return best


def may_order(words: pa.Array) -> npt.NDArray[np.bool_]:
    """Say which of some plain texts can be orders without an override; few others are left."""
    may = _matches(words, HINTS)
    rows = np.flatnonzero(may)
    hinted = words.take(pa.array(rows))
    most = {kind: np.zeros(len(rows), np.int8) for kind in (ADDRESS, IMPERATIVE, STEERING, ACT)}
    foreign = np.flatnonzero(~np.array(pc.string_is_ascii(hinted).to_numpy(zero_copy_only=False)))
    others = hinted.take(pa.array(foreign))
    for kind, weight, pattern in _CUES:
        for_re2 = _LOOKS_ROUND.sub("", pattern.pattern)
        has = _matches(hinted, for_re2)
        if len(foreign):
            has[foreign] |= _matches(others, _for_all_scripts(for_re2))
        most[kind] = np.maximum(most[kind], has * np.int8(abs(weight)))
    may[rows] = (most[ADDRESS] == 3) | (
        (most[IMPERATIVE] > 0) & ((most[ADDRESS] > 0) | (most[STEERING] == 2))
    )
    return may


def _for_all_scripts(pattern: str) -> str:
    """Return a pattern for RE2, whose words are ASCII, that finds at least what Python's finds."""
    wide = pattern.replace(r"\b", "").replace(r"[\w", r"[\pL\pN_").replace(r"\w", r"[\pL\pN_]")
    return wide.replace(r"\W", r"[^\pL\pN_]")


def overrides(words: pa.Array) -> npt.NDArray[np.bool_]:
    """Say which of some texts hold an override."""
    found = _matches(words, OVERRIDE)
    if not pc.all(pc.string_is_ascii(words)).as_py():
        found |= _matches(words, OTHER_SCRIPTS)
    return found


def _matches(texts: pa.Array, pattern: str) -> npt.NDArray[np.bool_]:
    hits = pc.fill_null(pc.match_substring_regex(texts, pattern), False)
    return np.array(hits.to_numpy(zero_copy_only=False))


def _cues(words: str, first: int, end: int, is_public: bool) -> Iterator[_Cue]:
    for kind, weight, pattern in _CUES:
        for found in pattern.finditer(words, first, end):
            is_news = is_public and weight < 0
            told = NEWS if is_news else kind
            yield _Cue(found.start(), found.end(), told, abs(weight))


def _verdict(weights: dict[str, int], words: str) -> int:
    """Return how much speaks for an order, 0 where too little does."""
    address, imperative, steering = weights[ADDRESS], weights[IMPERATIVE], weights[STEERING]
    if address < 2 and _TODO.search(words):
        return 0
    enough = (
        (address == 3 and imperative + steering + weights[ACT] > 0)
        or (address == 2 and imperative > 0)
        or (imperative > 0 and steering == 2)
        or (address + weights[NEWS] > 0 and imperative == 2 and steering > 0)
        or (weights[NEWS] > 0 and imperative > 0 and steering > 0)
    )
    return address + imperative + steering if enough else 0


def _around(words: str, start: int, end: int) -> str:
    """Return a place with the sentences that it stands in, at most SHOWN characters."""
    before = [found.end() for found in _SENTENCE_END.finditer(words, max(0, start - 160), start)]
    begin = before[-1] if before else max(0, start - 60) if start > 160 else 0
    after = _SENTENCE_END.search(words, end, end + 160)
    return words[begin : min(after.end() if after else end + 60, begin + SHOWN)].strip()
