"""A form as a browser would send it, read from a page; for tests of pages without a browser."""

from html.parser import HTMLParser


class _Reader(HTMLParser):
    def __init__(self, form: str) -> None:
        super().__init__()
        self.form = form
        self.inside = False
        self.sent: dict[str, str] = {}
        self.select: str | None = None
        self.textarea: str | None = None

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        if tag == "form":
            self.inside = given.get("id") == self.form
        if not self.inside:
            return
        name = given.get("name") or ""
        if tag == "input" and given.get("type") not in ("checkbox", "file"):
            self.sent[name] = given.get("value") or ""
        elif tag == "input" and given.get("type") == "checkbox" and "checked" in given:
            self.sent[name] = given.get("value") or "on"
        elif tag == "select":
            self.select = name
        elif tag == "option" and self.select and (self.select not in self.sent or "selected" in given):
            self.sent[self.select] = given.get("value") or ""
        elif tag == "textarea":
            self.textarea = name
            self.sent[name] = ""

    def handle_data(self, data: str) -> None:
        if self.textarea is not None:
            self.sent[self.textarea] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self.select = None
        if tag == "textarea" and self.textarea is not None:
            # A browser drops the newline after the tag.
            self.sent[self.textarea] = self.sent[self.textarea].removeprefix("\n")
            self.textarea = None
        if tag == "form":
            self.inside = False


def typed(html: str, form: str = "form") -> dict[str, str]:
    """The fields of the form with this id, as they are when nothing is typed."""
    reader = _Reader(form)
    reader.feed(html)
    return reader.sent
