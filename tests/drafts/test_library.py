"""Templates are found, run in a sandbox, and rendered to drafts that read well."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from reminderd.drafts.folding import fold
from reminderd.drafts.library import Library
from reminderd.drafts.samples import bare, full, nobody
from reminderd.errors import NotFound, TemplateBroken, UsageError
from reminderd.store.draft_records import Person
from tests.drafts.builders import NAMES, facts, of_person, of_user

OWN = """{% set intent = "give" %}
{% set about = "Mine" %}
{% block question %}Why?{% endblock %}
{% block subject_1 %}Hello{% endblock %}
{% block short_1 %}Hi {{ them.first_name }}.{% endblock %}
{% block mail_1 %}Dear {{ them.first_name }},

mine.{% endblock %}
{% block card_1 %}Card.{% endblock %}
{% block call_1 %}Call.{% endblock %}
"""


@pytest.fixture(scope="module")
def library() -> Library:
    return Library()


@pytest.fixture
def own(tmp_path: Path) -> Path:
    (tmp_path / "drafts").mkdir()
    return tmp_path


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / "drafts" / f"{name}.j2"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_our_templates_pass_their_own_check(library: Library) -> None:
    assert library.check() == []


def test_the_offer_has_six_wordings(library: Library) -> None:
    assert library.variants("accepted") >= 6


def test_a_draft_says_who_gets_it_and_how(library: Library) -> None:
    made = library.draft("accepted", facts())
    assert (made.to, made.via, made.length, made.intent) == ("ana@example.org", "email", "mail", "news")
    assert "Acme" in made.body
    assert "Ana" in made.question


@pytest.mark.parametrize(
    ("via", "length"),
    [("email", "mail"), ("text", "short"), ("call", "call"), ("letter", "card"), ("linkedin", "short")],
)
def test_the_length_follows_how_the_reference_likes_to_hear(library: Library, via: str, length: str) -> None:
    assert library.draft("accepted", of_person(facts(), via=via)).length == length


def test_the_gift_is_a_card_whatever_they_like(library: Library) -> None:
    assert library.draft("gift", facts()).length == "card"


def test_a_follow_up_goes_by_another_medium(library: Library) -> None:
    assert library.draft("ask_follow_up", facts()).via == "call"
    assert library.draft("ask_follow_up", of_person(facts(), phone="", profile="")).via == "email"


def test_a_way_that_lacks_its_address_takes_another(library: Library) -> None:
    made = library.draft("accepted", of_person(facts(), via="email", email=""))
    assert (made.via, made.to) == ("text", "+14155550101")


def test_a_nudge_keeps_its_wording(library: Library) -> None:
    kept = facts(variant=5, used_variants={"accepted": (1, 2)})
    assert library.draft("accepted", kept).variant == 5


def test_what_is_missing_becomes_a_question(library: Library) -> None:
    known = facts()
    unknown = dataclasses.replace(known, job=dataclasses.replace(known.job, starts_on=None))
    made = library.draft("accepted", unknown)
    assert made.missing == ("When do you start? reminderd opportunity edit Acme --starts DATE",)
    assert library.draft("accepted", known).missing == ()


def test_an_unknown_situation_is_refused_in_one_line(library: Library) -> None:
    with pytest.raises(TemplateBroken, match=r"'nonsense'\. Known: accepted") as caught:
        library.draft("nonsense", full())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["_base", "../email/nudge.html", "/etc/passwd"])
def test_names_that_are_no_situation_are_refused(library: Library, name: str) -> None:
    with pytest.raises(TemplateBroken):
        library.draft(name, full())


def test_a_file_of_the_users_replaces_ours(own: Path) -> None:
    write(own, "accepted", OWN)
    made = Library(own).draft("accepted", facts())
    assert (made.body, made.intent, made.question) == ("Dear Ana,\n\nmine.", "give", "Why?")


def test_the_users_file_may_build_on_our_base(own: Path) -> None:
    write(own, "mine", '{% extends "_base.j2" %}' + OWN.replace("mine.", "{{ sign() }}"))
    assert Library(own).draft("mine", facts()).body == "Dear Ana,\n\nAda"


def test_another_language_falls_back_to_english(own: Path) -> None:
    write(own, "hello", OWN)
    write(own, "fr/bonjour", OWN)
    library = Library(own)
    assert library.draft("hello", of_user(facts(), language="fr")).short == "Hi Ana."
    assert [one.name for one in library.situations("fr")] == ["bonjour"]
    assert "fr" in library.languages()


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        (OWN.replace("mine.", "{{ them.shoe_size }}"), 8, "them has no 'shoe_size'"),
        (OWN.replace("mine.", "{{ nothing }}"), 8, "'nothing' is undefined"),
        (OWN.replace("mine.", "{{ me. }}"), 8, "expected"),
        (OWN.replace("mine.", "{{ ''.__class__.__mro__ }}"), 8, "unsafe"),
        (OWN.replace("{% block call_1 %}Call.{% endblock %}", ""), 1, "no block 'call_1'"),
    ],
)
def test_a_broken_template_names_file_line_and_what_was_missing(own: Path, text: str, line: int, said: str) -> None:
    path = write(own, "broken", text)
    with pytest.raises(TemplateBroken, match=f"{path}:{line}: ") as caught:
        Library(own).draft("broken", facts(), length="mail")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "attempt",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ them.__class__ }}",
        "{{ them.__init__.__globals__ }}",
        "{{ them['__class__'] }}",
        "{{ them | attr('__class__') }}",
        "{{ self.__init__.__globals__ }}",
        "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
        "{{ lipsum.__globals__ }}",
        "{{ '{0.__class__.__init__.__globals__}'.format(them) }}",
        "{{ '{0.__class__}'.format_map({'0': them}) }}",
        "{{ hi.__globals__ }}",
        "{{ event.data.update({'by': 'x'}) }}",
        "{{ event.data.clear() }}",
        "{% set them.name = 'Eve' %}",
        "{{ range(10 ** 9) | list }}",
        "{% include '/etc/passwd' %}",
        "{% include '../../../../../../etc/passwd' %}",
        "{% import 'os' as os %}",
        "{% extends '/etc/hostname' %}",
        "{{ namespace.__init__ }}",
        "{% do 1 %}",
        "{{ joiner.__class__ }}",
    ],
)
def test_a_way_out_of_the_sandbox_is_refused_in_one_line(own: Path, attempt: str) -> None:
    path = write(own, "evil", OWN.replace("mine.", attempt))
    with pytest.raises(TemplateBroken) as caught:
        Library(own).draft("evil", facts(), length="mail")
    said = str(caught.value)
    assert said.startswith(f"{path}:")
    assert "\n" not in said
    assert "root:" not in said


def test_the_check_finds_every_broken_template_and_goes_on(own: Path) -> None:
    drafts = [write(own, name, OWN.replace("mine.", "{{ them.shoe_size }}")) for name in ("one", "two")]
    (own / "email").mkdir()
    mail = own / "email" / "nudge.html.j2"
    mail.write_text("<p>\n{{ speed }}", encoding="utf-8")
    assert {(problem.file, problem.line) for problem in Library(own).check()} == {
        (str(drafts[0]), 8),
        (str(drafts[1]), 8),
        (str(mail), 2),
    }


def test_a_template_is_copied_once_and_never_over_the_users(own: Path) -> None:
    path = Library().copy("accepted", own)
    assert path == own / "drafts" / "accepted.j2"
    assert "block mail_1" in path.read_text(encoding="utf-8")
    with pytest.raises(UsageError, match="exists already"):
        Library().copy("accepted", own)
    assert Library().copy("email/nudge.html.j2", own) == own / "email" / "nudge.html.j2"
    for wrong in ("nothing", "../pyproject.toml", "drafts/../../pyproject"):
        with pytest.raises(NotFound):
            Library().copy(wrong, own)


@pytest.mark.parametrize("known", [full(), bare(), nobody()])
def test_every_draft_reads_clean(library: Library, known: object) -> None:
    for name in library.names():
        for variant in range(1, library.variants(name) + 1):
            made = library.draft(name, known, variant=variant)  # type: ignore[arg-type]
            for text in (made.body, made.short, made.subject, made.question, made.social):
                assert "None" not in text
                assert "  " not in text
                assert text == text.strip()


def test_folding_keeps_paragraphs_and_items_and_nothing_else() -> None:
    wild = "\n\n  Hi  Ana ,\nhow are\n you?\n \n\t\n- one\n- two\n  more\n1. three\r\n\r\nBye\n"
    assert fold(wild) == "Hi Ana,\u0020how are you?\n\n- one\n- two more\n1. three\n\nBye"


@pytest.mark.parametrize("name", ["announcement", "warm_up", "look_in", "four_ignored", "ask_unanswered"])
def test_a_task_is_a_note_to_the_user_with_nobody_to_send_it_to(library: Library, name: str) -> None:
    alone = name in ("announcement", "warm_up", "look_in")
    made = library.draft(name, facts(them=Person()) if alone else facts())
    assert made.for_user
    assert (made.to, made.via) == ("", "")
    assert made.body
    if alone:
        assert library.draft(name, facts()).to == "ana@example.org"


def test_a_gift_for_several_has_a_card_for_each(library: Library) -> None:
    people = tuple(facts(name, number).them for number, name in enumerate(NAMES, 1))
    made = library.draft("gift", facts(them=Person(), people=people))
    assert made.length == "card"
    for person in people:
        assert f"{person.name}:\n\nDear {person.first_name}," in made.body
    texts = [part.partition(",")[2] for part in made.body.split("Dear ")[1:]]
    assert len(set(texts)) >= 3
