"""The templates: found in the user's folder, else in ours; compiled once; rendered to drafts."""

from __future__ import annotations

import dataclasses
import pathlib
import shutil
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.runtime import Context

from reminderd.drafts import choose, context, questions, tasks
from reminderd.drafts.commands import addressed
from reminderd.drafts.draft import LENGTHS, Draft, Problem, Situation
from reminderd.drafts.environment import PACKAGED, BrokenAt, Environment, explain, folders
from reminderd.drafts.folding import fold, fold_line
from reminderd.errors import NotFound, TemplateBroken, UsageError
from reminderd.store.draft_records import DraftFacts

_DEFAULT_LANGUAGE = "en"


class Library:
    """All templates of one installation."""

    def __init__(self, override_dir: pathlib.Path | None = None) -> None:
        self._override = override_dir
        self._environments: dict[str, Environment] = {}
        self._sheets: dict[tuple[str, str], Sheet] = {}

    def draft(
        self,
        situation: str,
        facts: DraftFacts,
        *,
        variant: int | None = None,
        length: str | None = None,
        warmth: str = "normal",
    ) -> Draft:
        """The finished draft of one situation. Raises `TemplateBroken` when there is no such template or it fails."""
        facts, following = context.with_approach(situation, facts)
        sheet = self._sheet(situation, facts.me.language)
        for_user = tasks.is_for_user(situation, facts)
        if not (facts.them.name or for_user) and facts.people:
            return self._for_each(situation, facts, sheet, length, warmth)
        via = "" if for_user else context.medium(situation, facts.them)
        chosen = length or sheet.length or context.default_length(situation, via)
        number = _number(variant, sheet, situation, facts)
        page = sheet.page(context.context(facts, warmth))
        short = fold_line(page.block(f"short_{number}"))
        body = short if chosen == "short" else fold(page.block(f"{chosen}_{number}"))
        return Draft(
            situation=situation,
            subject=fold_line(page.block(f"subject_{number}")),
            body=addressed(body, facts.me) if for_user else body,
            to=context.reach(via, facts.them),
            via=via,
            variant=number,
            length=chosen,
            short=short,
            question=fold_line(page.optional("question")),
            intent=page.setting("intent") or sheet.intent,
            social=fold_line(page.optional(f"social_{number}")),
            missing=questions.missing(situation, facts),
            approach=facts.approach,
            next_approach=following,
            for_user=for_user,
        )

    def _for_each(self, situation: str, facts: DraftFacts, sheet: Sheet, length: str | None, warmth: str) -> Draft:
        """One draft with a text for each of several people, under their names."""
        group = [dataclasses.replace(facts, them=person, people=(), variant=None) for person in facts.people]
        numbers = choose.assign_variants(situation, group, sheet.count)
        length = length or context.default_length(situation, "letter")
        drafts = [
            self.draft(situation, one, variant=number, length=length, warmth=warmth)
            for one, number in zip(group, numbers, strict=True)
        ]
        named = [f"{one.them.name}:\n\n{draft.body}" for one, draft in zip(group, drafts, strict=True)]
        return dataclasses.replace(drafts[0], body="\n\n".join(named), to="", via="letter", question="", missing=())

    def variants(self, situation: str, language: str = _DEFAULT_LANGUAGE) -> int:
        """How many wordings a situation has."""
        return self._sheet(situation, language).count

    def about(self, situation: str, language: str = _DEFAULT_LANGUAGE) -> str:
        """What a situation is, in words."""
        return self._sheet(situation, language).about

    def assign_variants(self, situation: str, group: Sequence[DraftFacts]) -> list[int]:
        """A wording for each of a group: no two alike while wordings last."""
        if not group:
            return []
        return choose.assign_variants(situation, group, self.variants(situation, group[0].me.language))

    def situations(self, language: str = _DEFAULT_LANGUAGE) -> tuple[Situation, ...]:
        """All situations that have a template in ``language``, by name."""
        return tuple(self._situation(name, language, path) for name, path in self._paths(language).items())

    def names(self, language: str = _DEFAULT_LANGUAGE) -> tuple[str, ...]:
        """The names of all situations that have a template in ``language``."""
        return tuple(self._paths(language))

    def languages(self) -> tuple[str, ...]:
        """The languages that drafts come in."""
        inner = {
            path.name
            for folder in folders(self._override)
            for path in (folder / "drafts").glob("*/")
            if path.is_dir() and any(path.glob("[!_]*.j2"))
        }
        return (_DEFAULT_LANGUAGE, *sorted(inner - {_DEFAULT_LANGUAGE}))

    def render(self, name: str, names: Mapping[str, Any], language: str = _DEFAULT_LANGUAGE) -> str:
        """A whole template, such as ``email/nudge.html.j2``, rendered as it stands."""
        try:
            return self._environment(language).get_template(name).render(names)
        except Exception as error:
            raise explain(error, name) from error

    def check(self) -> list[Problem]:
        """Every template tried over sample facts; what fails, with file, line and what was missing."""
        from reminderd.drafts.checking import check_all  # samples are needed here alone

        return check_all(self)

    def copy(self, name: str, folder: pathlib.Path) -> pathlib.Path:
        """Copy one of our templates into ``folder``, for the user to change. Returns the new file."""
        inside = name if name.startswith(("drafts/", "email/", "sms/", "web/")) else f"drafts/{name}"
        inside = inside if pathlib.PurePosixPath(inside).suffix == ".j2" else f"{inside}.j2"
        source = next((root / inside for root in PACKAGED if (root / inside).is_file()), None)
        if source is None or ".." in pathlib.PurePosixPath(inside).parts:
            raise NotFound("template", name, list(self.names()))
        target = folder / inside
        if target.exists():
            raise UsageError(f"{target} exists already; it was left as it is.")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        return target

    def _paths(self, language: str) -> dict[str, pathlib.Path]:
        found = {}
        for folder in reversed(folders(self._override)):
            for path in (folder / _prefix(language)).glob("[!_]*.j2"):
                found[path.stem] = path
        return dict(sorted(found.items()))

    def _environment(self, language: str) -> Environment:
        if language not in self._environments:
            self._environments[language] = Environment(self._override, language)
        return self._environments[language]

    def _find(self, situation: str, language: str) -> tuple[str, str] | None:
        """The template's name and the language that it is in: the user's, else English."""
        for candidate in dict.fromkeys((language, language.replace("-", "_").partition("_")[0], _DEFAULT_LANGUAGE)):
            name = f"{_prefix(candidate)}/{situation}.j2"
            if self._environment(candidate).has(name):
                return name, candidate
        return None

    def _sheet(self, situation: str, language: str) -> Sheet:
        key = (situation, language)
        if key not in self._sheets:
            found = None if situation.startswith(("_", ".", "/")) else self._find(situation, language)
            if found is None:
                known = ", ".join(self.names())
                raise TemplateBroken(f"No template is called {situation!r}. Known: {known}.")
            self._sheets[key] = Sheet(self._environment(found[1]), found[0])
        return self._sheets[key]

    def _situation(self, name: str, language: str, path: pathlib.Path) -> Situation:
        sheet = self._sheet(name, language)
        return Situation(name, sheet.about, sheet.intent, sheet.count, str(path))


class Sheet:
    """One compiled template of drafts."""

    def __init__(self, environment: Environment, name: str) -> None:
        self.name = name
        try:
            self._template = environment.get_template(name)
            assert environment.loader is not None
            settings = _top_settings(environment.parse(environment.loader.get_source(environment, name)[0]))
        except Exception as error:
            raise explain(error, name) from error
        self.blocks = tuple(self._template.blocks)
        self.count = sum(block.startswith("mail_") for block in self.blocks)
        self.variants = range(1, self.count + 1)
        self.intent = settings.get("intent", "none")
        self.about = settings.get("about", "")
        self.length = settings.get("length", "")
        expected = (f"{kind}_{number}" for number in self.variants for kind in ("subject", *LENGTHS))
        missing = [block for block in expected if block not in self._template.blocks]
        if missing or not self.count:
            raise BrokenAt(self._problem(f"no block {missing[0] if missing else 'mail_1'!r}"))

    def _problem(self, message: str) -> Problem:
        return Problem(self._template.filename or self.name, 1, message)

    def page(self, names: Mapping[str, Any]) -> Page:
        """The template over one draft's facts: its top level has run, its blocks wait to be asked for."""
        page_context = self._template.new_context(dict(names))
        blocks = page_context.blocks
        page_context.blocks = {block: [_nothing] for block in blocks}
        try:
            for _ in self._template.root_render_func(page_context):
                pass
        except Exception as error:
            raise explain(error, self.name) from error
        page_context.blocks = blocks
        return Page(self.name, page_context, self._template)


class Page:
    """One template over one draft's facts."""

    def __init__(self, name: str, page_context: Context, template: jinja2.Template) -> None:
        self._name = name
        self._context = page_context
        self._template = template

    def block(self, name: str) -> str:
        """One block's text, as the template wrote it."""
        try:
            return "".join(self._template.blocks[name](self._context))
        except KeyError as error:
            raise BrokenAt(Problem(self._template.filename or self._name, 1, f"no block {name!r}")) from error
        except Exception as error:
            raise explain(error, self._name) from error

    def setting(self, name: str) -> str:
        """What the template set at its top for these facts."""
        return str(self._context.vars.get(name, ""))

    def optional(self, name: str) -> str:
        """One block's text, or nothing where the template has no such block."""
        return self.block(name) if name in self._template.blocks else ""


def _number(variant: int | None, sheet: Sheet, situation: str, facts: DraftFacts) -> int:
    if variant is not None and variant in sheet.variants:
        return variant
    return choose.choose_variant(situation, facts, sheet.count)


def _nothing(_: Context) -> Iterator[str]:
    return iter(())


def _prefix(language: str) -> str:
    return "drafts" if language == _DEFAULT_LANGUAGE else f"drafts/{language}"


def _top_settings(tree: nodes.Template) -> dict[str, str]:
    """The constants that a template sets at its top, such as ``intent``."""
    return {
        node.target.name: str(node.node.value)
        for node in tree.find_all(nodes.Assign)
        if isinstance(node.target, nodes.Name) and isinstance(node.node, nodes.Const)
    }
