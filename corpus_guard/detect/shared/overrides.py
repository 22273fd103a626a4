r"""Phrases that tell a model to drop what it was told, in many languages and disguises.

The patterns are in a syntax that RE2 and Python share, for Arrow to look for. An English phrase may be
written with digits for letters, look-alikes, and blanks or invisible characters between letters; it is
strict in its words: verb, qualifier and noun must follow each other. Those of other languages allow a few
words between verb and noun.
"""

_UNSEEN = r"\x{AD}\x{200B}-\x{200F}\x{2060}\x{FEFF}"
_BETWEEN = rf"[ ._*~|{_UNSEEN}-]*"
_GAP = rf"(?:[\s\"'*_,.:~|{_UNSEEN}-]|<[^<>]{{0,80}}>|&[\w#]{{2,8}};)+"
_LETTERS = {
    "a": r"a4@\x{0430}\x{03B1}", "c": r"c\x{0441}", "e": r"e3\x{0435}", "g": "g9",
    "i": r"i1!|\x{0456}", "l": "l1|", "o": r"o0\x{043E}\x{03BF}", "p": r"p\x{0440}",
    "s": r"s5$\x{0455}", "t": "t7+", "x": r"x\x{0445}", "y": r"y\x{0443}", "v": r"v\x{03BD}",
}  # fmt: skip

_VERBS = "ignore disregard forget override bypass"
_FILLERS = "all any of the your these those my everything and every"
_QUALIFIERS = "previous prior above earlier preceding former system"
_NOUNS = "instruction prompt direction directive rule guideline message"


def _loose(words: str) -> str:
    """Return a pattern for any of some words, however disguised."""
    return "(?:" + "|".join(map(_spelled, words.split())) + ")"


def _spelled(word: str) -> str:
    return _BETWEEN.join(f"[{_LETTERS.get(letter, letter)}]" for letter in word)


ENGLISH = (
    rf"(?i:\b{_loose(_VERBS)}{_GAP}(?:{_loose(_FILLERS)}{_GAP})*"
    rf"(?:{_loose(_QUALIFIERS)}{_GAP})(?:{_loose(_QUALIFIERS + ' and or')}{_GAP})*{_loose(_NOUNS)}[s5$]?)"
)
_PLAIN_GAP = r"[\s\"'*_,.:~|-]+"


def _plain(words: str) -> str:
    return "(?:" + "|".join(words.split()) + ")"


PLAIN_ENGLISH = (
    rf"(?i:\b{_plain(_VERBS)}{_PLAIN_GAP}(?:{_plain(_FILLERS)}{_PLAIN_GAP})*"
    rf"(?:{_plain(_QUALIFIERS)}{_PLAIN_GAP})(?:{_plain(_QUALIFIERS + ' and or')}{_PLAIN_GAP})*{_plain(_NOUNS)})"
)
ENGLISH_AFTER = (
    r"(?i:\b(?:ignore|disregard|forget) (?:(?:all|any|of|the|your|these|those|my|and|every) ){1,4}"
    r"(?:instructions?|prompts?|directions|directives|rules|guidelines) "
    r"(?:above|before this|(?:that )?(?:you|came|were) (?:were|have|had|before|given|got|received)|so far)"
    r"|\bdisregard everything (?:above|before|you)\b|\bforget everything you (?:were|have been) told\b)"
)
_LATIN = (
    # German, Dutch
    r"\b(?:ignorier|vergiss|vergessen sie|missachte|übergeh)[^\s.]{0,6} [^.\n]{0,25}\b(?:vorherig|vorig|bisherig|"
    r"obig|früher|vorangegangen|vorangehend|vorausgehend)\S{0,4} [^.\n]{0,15}(?:anweisung|instruktion|befehl|vorgabe|regel|prompt)",
    r"\b(?:negeer|vergeet) [^.\n]{0,20}\b(?:vorige|voorgaande|eerdere|bovenstaande|voorafgaande) [^.\n]{0,12}"
    r"(?:instructies|opdrachten|aanwijzingen|regels|prompt)",
    # French, Spanish, Italian, Portuguese
    r"\b(?:ignore[rz]?|oublie[rz]?|néglige[rz]?|ne tene?z pas compte d\S{1,3}) [^.\n]{0,25}(?:instructions?|consignes?|"
    r"directives?|ordres|règles) [^.\n]{0,10}(?:précédent|antérieur|ci-dessus|préalable)",
    r"\b(?:ignore[rz]?|oublie[rz]?) [^.\n]{0,12}(?:précédente?s|antérieure?s) (?:instructions|consignes|directives|ordres)",
    r"\b(?:ignor[ae]n?|olvid[ae]n?|omit[ae]|descart[ae]|haz caso omiso de) [^.\n]{0,25}(?:instrucciones|indicaciones|[óo]rdenes|"
    r"reglas|directrices) [^.\n]{0,12}(?:anteriores|previas|precedentes)",
    r"\b(?:ignor[ai]|ignorate|dimentica(?:te)?|trascura) [^.\n]{0,25}(?:istruzioni|indicazioni|regole|direttive|comandi|prompt) "
    r"[^.\n]{0,10}(?:precedenti|anteriori|sopra)",
    r"\b(?:ignor[ae]m?|ignorar|esque[cç]a|esquece|desconsider[ae]) [^.\n]{0,25}(?:instruç(?:ões)|instrucoes|ordens|regras|"
    r"diretrizes|orientações|comandos) [^.\n]{0,10}(?:anteriores|pr[ée]vias|precedentes|acima)",
    # Polish, Turkish
    r"\b(?:z?ignoruj|zapomnij o|pomiń)(?:cie)? [^.\n]{0,25}(?:poprzedni|wcześniejsz|powyższ)\S{0,4} [^.\n]{0,12}"
    r"(?:instrukcj|poleceni|poleceń|wytyczn|zasad)",
    r"(?:önceki|yukarıdaki) [^.\n]{0,12}(?:talimat|yönerge|komut|kural)\S{0,10} [^.\n]{0,15}(?:yok say|görmezden gel|unut|"
    r"göz ardı|dikkate alma)",
)
_OTHER_SCRIPTS = (
    # Russian, Ukrainian
    r"(?:игнориру[йе]|проигнорируй|забудь|забудьте)[^\s.]{0,4} [^.\n]{0,25}(?:предыдущ|прежн|вышеуказанн|предшеств|ранее)\S{0,5} "
    r"[^.\n]{0,20}(?:инструкц|указани|команд|правил|распоряжени)",
    r"(?:ігноруй|проігноруй|забудь)[^\s.]{0,4} [^.\n]{0,25}(?:попередн|вищевказан|наведен)\S{0,5} [^.\n]{0,15}(?:інструкці|вказівк|правил|команд)",
    # Chinese, Japanese, Korean
    r"(?:忽略|无视|無視|忘记|忘記|忘掉|忽視|不要理会|不要理會)[^。\n]{0,8}(?:之前|以前|先前|上述|以上|前面|此前)[^。\n]{0,8}"
    r"(?:指令|指示|提示|说明|說明|规则|規則|命令)",
    r"(?:これまで|以前|前|上記|以上)(?:の)?[^。\n]{0,10}(?:指示|命令|プロンプト|指令|ルール)[^。\n]{0,6}(?:無視|忘れ)",
    r"(?:이전|위의|앞의|앞선|지금까지)[^.\n]{0,10}(?:지시|명령|지침|프롬프트)[^.\n]{0,8}(?:무시|잊)",
    # Arabic, Hindi
    r"(?:تجاهل|انس|تجاهلي|تجاهلوا) [^.\n]{0,20}(?:التعليمات|الأوامر|التوجيهات|الإرشادات) [^.\n]{0,12}(?:السابقة|أعلاه|السالفة|المسبقة)",
    r"(?:पिछले|पिछली|पहले के|उपरोक्त)[^।\n]{0,15}(?:निर्देश|आदेश|नियम)[^।\n]{0,15}(?:अनदेखा|नज़रअंदाज़|नजरअंदाज|भूल|उपेक्षा)",
)  # fmt: skip
LATIN = f"(?i:{'|'.join(_LATIN)})"
OTHER_SCRIPTS = f"(?i:{'|'.join(_OTHER_SCRIPTS)})"
_STEMS = (
    r"vergiss|vergessen sie|missachte|übergeh|negeer|vergeet|oublie|néglige|ne tene|olvid|omit|descart|haz caso|"
    r"dimentica|trascura|esque[cç]|desconsider|zapomnij|pomiń|yok say|görmezden gel|unut|göz ardı|dikkate alma|z?ignor"
)
STARTS = rf"(?i:\b(?:{_loose(_VERBS)}|{_STEMS}))"
"""What every phrase in Latin letters holds; small, so that it costs little to look for in all texts."""

OVERRIDE = f"{ENGLISH}|{ENGLISH_AFTER}|{LATIN}"
"""What stands in ASCII or accented letters."""

PLAIN = f"{PLAIN_ENGLISH}|{ENGLISH_AFTER}|{LATIN}"
"""The same without disguises."""
