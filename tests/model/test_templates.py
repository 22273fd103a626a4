"""Chat templates are rendered as transformers does, and a bomb costs nothing but an error."""

import time
from datetime import datetime

import pytest

pytest.importorskip("jinja2")

from corpus_guard.errors import TemplateFailed
from corpus_guard.model.templates import LARGEST_TEMPLATE, render

HELLO = [{"role": "user", "content": "hello", "name": None}]
BOMBS = {
    "a text repeated": "{{ 'a' * 10**9 }}",
    "a text repeated for each message": "{% for m in messages %}{{ m.content * 10**9 }}{% endfor %}",
    "a power": "{{ 10 ** (10 ** 9) }}",
    "loops in loops": "{% for a in range(99999) %}{% for b in range(99999) %}"
    "{% for c in range(99999) %}{% endfor %}{% endfor %}{% endfor %}",
    "a long range": "{% for a in range(10**12) %}{% endfor %}",
    "doubling": "{% set ns = namespace(x='aaaaaaaa') %}{% for i in range(99) %}"
    "{% set ns.x = ns.x ~ ns.x %}{% endfor %}{{ ns.x | length }}",
    "much output": "{% for a in range(99999) %}{{ 'a' * 999 }}{% endfor %}",
    "a wide field": "{{ '%999999999d' % 1 }}",
    "a macro that calls itself": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "brackets": "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    "too large": "a" * (LARGEST_TEMPLATE + 1),
    "a replacement that grows": "{% set x = 'a' * 30000 %}{{ x.replace('a', x).replace('a', x) }}",
}
ESCAPES = {
    "classes": "{{ ''.__class__.__mro__ }}",
    "globals of a function": "{{ cycler.__init__.__globals__ }}",
    "a namespace": "{% set ns = namespace() %}{% set ns.__class__ = 1 %}{{ ns.__class__ }}",
    "format": "{{ '{0.__class__}'.format(1) }}",
    "attr": "{{ '' | attr('__class__') | attr('mro') }}",
    "an import": "{% import 'os' as os %}{{ os }}",
    "changing a message": "{{ messages.append(1) }}",
}


def rendered(template: str, **more: object) -> str:
    return render(template, HELLO, **more)


def test_messages_and_tokens_reach_the_template() -> None:
    template = (
        "{{ bos_token }}{% for m in messages %}[{{ m['role'] }}] {{ m.content }}{{ eos_token }}"
        "{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}"
    )
    assert rendered(template, bos_token="<s>", eos_token="</s>") == "<s>[user] hello</s>[assistant]"
    assert rendered(template, add_generation_prompt=False) == "[user] hello"


def test_lines_of_tags_leave_no_lines() -> None:
    assert rendered("{% if true %}\n  {% set a = 1 %}\nx\n{% endif %}\n") == "x\n"


def test_a_key_without_a_value_is_not_there() -> None:
    assert rendered("{{ 'name' in messages[0] }}") == "False"


def test_tools_are_none_or_json() -> None:
    template = "{% if tools is not none %}{{ tools | tojson(indent=1) }}{% endif %}"
    assert rendered(template) == ""
    assert rendered(template, tools=[{"a": "<é>"}]) == '[\n {\n  "a": "<é>"\n }\n]'


def test_loops_break_and_generation_marks_nothing() -> None:
    template = (
        "{% for i in range(9) %}{% if i == 1 %}{% continue %}{% endif %}{% if i == 3 %}{% break %}"
        "{% endif %}{% generation %}{{ i }}{% endgeneration %}{% endfor %}"
    )
    assert rendered(template) == "02"


def test_the_time_is_the_one_that_is_given() -> None:
    told = rendered("{{ strftime_now('%d %b %Y') }}", now=datetime(2024, 7, 26))
    assert told == "26 Jul 2024"


def test_namespaces_keep_what_a_loop_finds() -> None:
    template = (
        "{% set ns = namespace(n=0) %}{% for i in range(4) %}{% set ns.n = ns.n + i %}{% endfor %}"
    )
    assert rendered(template + "{{ ns.n }}") == "6"


def test_what_a_template_raises_is_told_safely() -> None:
    with pytest.raises(TemplateFailed, match=r"roles must <U.001B> alternate"):
        rendered("{{ raise_exception('roles must \x1b alternate') }}")


def test_other_variables_reach_the_template() -> None:
    assert rendered("{{ enable_thinking }}", enable_thinking=False) == "False"


def test_the_prompt_is_that_of_transformers() -> None:
    utils = pytest.importorskip("transformers.utils.chat_template_utils")
    template = (
        "{%- for m in messages %}\n  {%- if loop.first and m.role != 'system' %}sys\n{% endif %}"
        "\n<|{{ m.role }}|>\n{{ m.content | trim }}{{ m | tojson }}\n{%- endfor %}\n"
        "{%- if add_generation_prompt %}\n<|assistant|>\n{% endif %}"
    )
    messages = [{"role": "user", "content": " a 'ü' <b> "}, {"role": "assistant", "content": "b"}]
    wanted, _ = utils.render_jinja_template(
        [messages], chat_template=template, add_generation_prompt=True
    )
    assert render(template, messages) == wanted[0]


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_ends_in_an_error_soon_and_small(name: str) -> None:
    start = time.monotonic()
    with pytest.raises(TemplateFailed):
        rendered(BOMBS[name])
    assert time.monotonic() - start < 5
    assert rendered("{{ messages[0].content }}") == "hello"


@pytest.mark.parametrize("name", ESCAPES)
def test_nothing_leads_out_of_the_sandbox(name: str) -> None:
    try:
        text = rendered(ESCAPES[name])
    except TemplateFailed:
        return
    assert "class" not in text
    assert "built" not in text


def test_a_template_writes_a_mebibyte_and_no_more() -> None:
    assert len(rendered("{% for i in range(1024) %}{{ 'a' * 1024 }}{% endfor %}")) == 1 << 20
    with pytest.raises(TemplateFailed, match="more than 1 MiB"):
        rendered("{% for i in range(1025) %}{{ 'a' * 1024 }}{% endfor %}")


def test_a_template_gets_its_share_of_memory_and_no_more() -> None:
    assert rendered("{{ ('a' * 50000000) | length }}") == "50000000"
    with pytest.raises(TemplateFailed, match="too much memory"):
        rendered("{{ ('a' * 450000000) | length }}")
