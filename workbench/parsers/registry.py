"""The parsers to choose from: methods that are called with a name and bytes and return a Document."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any, ClassVar

from workbench.documents import Document
from workbench.errors import DocumentError, SpecError
from workbench.extensions import methods
from workbench.installation import install, is_installed
from workbench.parsers import html, office, pdf, rtf, sheets, text, unstructured, xml_formats
from workbench.parsers.detect import FORMATS, Format, known, label, language, sniff
from workbench.parsers.pdf import pdfplumber
from workbench.parsers.writer import RawDocument, Writer
from workbench.specs import Spec, option, to_dict


@dataclass(frozen=True, slots=True)
class Engine:
    """A reader of one format, and the `library` behind it. Raise `revision` if its text or sections change."""

    name: str
    revision: int
    read: Callable[[bytes, Writer], None]
    library: str = ""

    @property
    def label(self) -> str:
        """Name and version, as shown with documents and as a part of identities."""
        return f"{self.name} {self.revision}" + (f" ({self.library} {_version(self.library)})" if self.library else "")


@lru_cache
def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:  # without the extra `parsers`
        return "not installed"


_SHEETS = Engine("sheets", 2, sheets.read_sheets, "python-calamine")
_TEXT = Engine("text", 1, text.read_text)
ENGINES: dict[str, Engine] = {
    "pdf": Engine("pdf", 3, pdf.read_pdf, "pypdfium2"),
    "docx": Engine("docx", 2, office.read_docx),
    "pptx": Engine("pptx", 2, office.read_pptx),
    "xlsx": _SHEETS,
    "xlsb": _SHEETS,
    "xls": _SHEETS,
    "ods": _SHEETS,
    "rtf": Engine("rtf", 1, rtf.read_rtf),
    "odt": Engine("odt", 1, xml_formats.read_odt),
    "epub": Engine("epub", 2, xml_formats.read_epub, "selectolax"),
    "html": Engine("html", 2, html.read_html, "selectolax"),
    "markdown": Engine("markdown", 1, text.read_markdown, "markdown-it-py"),
    "rst": Engine("rst", 1, text.read_rst),
    "org": Engine("org", 1, text.read_org),
    "csv": Engine("csv", 1, text.read_csv),
    "tsv": Engine("tsv", 1, text.read_tsv),
    "eml": Engine("eml", 2, text.read_eml, "selectolax"),
    "json": Engine("json", 1, text.read_json),
    "notebook": Engine("notebook", 1, text.read_notebook),
    "xml": Engine("xml", 1, xml_formats.read_xml),
    "text": _TEXT,
}


@dataclass(frozen=True, slots=True)
class Parser(Spec):
    """Bytes to Document. A subclass says which engine reads which format.

    A class of another package may add file formats: those that it names in `formats`, told by a file's extension, are
    read by its `engine` whichever parser is chosen.
    """

    formats: ClassVar[Mapping[str, Format]] = {}

    def engine(self, format: str) -> Engine:
        """Return the engine that reads `format`.

        Raises:
            DocumentError: this parser does not read it.
        """
        return ENGINES[format] if format in ENGINES else added_formats()[format]().engine(format)

    def draft(self, name: str, data: bytes, format: str = "") -> RawDocument:
        """Read the file with its engine; without `format`, a key of FORMATS, it is detected."""
        warnings: list[str] = []
        if not format and not (format := _added(name, data)):
            format, warnings = sniff(name, data)
        engine = self.engine(format)
        writer = Writer(encoding=getattr(self, "encoding", ""))
        for warning in warnings:
            writer.warn(warning)
        engine.read(data, writer)
        draft = writer.draft(engine.label, _format(format).media_type)
        if not any(c.isalnum() for c in draft.text) and not draft.text.translate(_UNSEEN).strip():
            raise DocumentError("it holds no text: nothing but blanks or pictures.")
        draft.language = language(draft.text)
        return draft

    def __call__(self, name: str, data: bytes) -> Document:
        """Return the document, read in this process; see `workbench.parsers.parse_safely`."""
        return parse_draft(name, data, self).document(label(name), data)

    def identity(self) -> dict[str, Any]:
        formats = [*FORMATS, *added_formats()]
        return to_dict(self) | {"engines": sorted({self.engine(f).label for f in formats if self.reads(f)})}

    def reads(self, format: str) -> bool:
        """Return whether this parser has an engine for `format`."""
        return format in ENGINES or format in added_formats()


_UNSEEN = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad\ufffd"))


@dataclass(frozen=True, slots=True)
class _PdfFields(Parser):
    """What can be chosen for PDF files, whichever engine reads them."""

    furniture: str = option(
        "keep", "Headers, footers and page numbers of PDF pages: kept and marked, or dropped", choices=("keep", "drop")
    )
    hyphens: str = option(
        "mend", "Words broken by a hyphen at a line's end in a PDF: made whole, or kept", choices=("mend", "keep")
    )
    ocr: str = option(
        "off", "Text recognition of scanned PDF pages by tesseract, where it is installed", choices=("off", "scanned")
    )
    ocr_languages: str = option(
        "eng", "Languages of scanned pages, as tesseract names them; several with +", advanced=True
    )

    def check(self) -> None:
        if not pdf.OCR_LANGUAGES.fullmatch(self.ocr_languages):
            raise SpecError(f"ocr_languages ({self.ocr_languages!r}) must be names such as eng or eng+deu")

    @property
    def pdf_options(self) -> pdf.PdfOptions:
        """The fields as the engines take them."""
        languages = self.ocr_languages if self.ocr == "scanned" else ""
        return pdf.PdfOptions(self.furniture == "drop", self.hyphens == "mend", languages)

    def identity(self) -> dict[str, Any]:
        """The fields, the engines, and tesseract's version where it is used."""
        fields = super(_PdfFields, self).identity()  # slots make the class again: no bare super()
        return fields | ({"tesseract": pdf.tesseract_version()} if self.ocr == "scanned" else {})


@dataclass(frozen=True, slots=True)
class Auto(_PdfFields):
    """For each format the engine that lost least and was fastest in a comparison (docs/decisions.md)."""

    kind: ClassVar[str] = "auto"
    label: ClassVar[str] = "auto"
    encoding: str = option("", "Encoding of text files; empty: found by itself", advanced=True)

    def check(self) -> None:
        super(Auto, self).check()
        if self.encoding and not known(self.encoding):
            raise SpecError(f"encoding ({self.encoding!r}) is not known; examples are utf-8, cp1252, shift_jis")

    def engine(self, format: str) -> Engine:
        engine = Parser.engine(self, format)
        return replace(engine, read=partial(pdf.read_pdf, options=self.pdf_options)) if format == "pdf" else engine


def _order() -> Any:
    return option(
        "plain", "Order of the text: as drawn (plain) or as placed on the page (layout)", choices=("plain", "layout")
    )


@dataclass(frozen=True, slots=True)
class PyPdf(_PdfFields):
    """pypdf for PDF files, the engines of `auto` for the rest."""

    kind: ClassVar[str] = "pypdf"
    label: ClassVar[str] = "pypdf"
    mode: str = _order()

    @classmethod
    def missing(cls) -> str:
        return "" if is_installed("pypdf") else f"it is not installed; `{install('parsers')}` brings it"

    def engine(self, format: str) -> Engine:
        if format != "pdf":
            return Parser.engine(self, format)
        read = partial(pdf.read_pypdf, mode=self.mode, options=self.pdf_options)
        return Engine(f"pypdf {self.mode}", 2, read, "pypdf")


@dataclass(frozen=True, slots=True)
class PdfPlumber(_PdfFields):
    """pdfplumber for PDF files, its ruled tables cell by cell; the engines of `auto` for the rest. An extra."""

    kind: ClassVar[str] = "pdfplumber"
    label: ClassVar[str] = "pdfplumber"
    mode: str = _order()

    def check(self) -> None:
        super(PdfPlumber, self).check()
        if missing := self.missing():
            raise SpecError(f"the parser pdfplumber cannot be used: {missing}, or choose the parser auto or pypdf")

    @classmethod
    def missing(cls) -> str:
        return "" if pdfplumber.installed() else f"it is not installed; `pip install {pdfplumber.NEEDS}` brings it"

    def engine(self, format: str) -> Engine:
        if format != "pdf":
            return Parser.engine(self, format)
        read = partial(pdfplumber.read_plumbed, mode=self.mode, options=self.pdf_options)
        return Engine(f"pdfplumber {self.mode}", 1, read, "pdfplumber")


@dataclass(frozen=True, slots=True)
class Unstructured(Parser):
    """unstructured's own elements for HTML, Word, PowerPoint, Excel, Markdown, text, e-mail and CSV.

    Its text is cleaned, so offsets are not the file's own.
    """

    kind: ClassVar[str] = "unstructured"
    label: ClassVar[str] = "unstructured"

    @classmethod
    def missing(cls) -> str:
        return "" if is_installed("unstructured") else f"it is not installed; `{install('parsers')}` brings it"

    def reads(self, format: str) -> bool:
        return format in unstructured.PARTITIONS

    def engine(self, format: str) -> Engine:
        if format == "pdf":
            raise DocumentError(
                "unstructured reads PDF only with an extra that needs an old pypdf (below 7), which is not installed. "
                "Choose the parser auto or pypdf for PDF files."
            )
        if format in added_formats():
            return Parser.engine(self, format)
        if not self.reads(format):
            readable = ", ".join(FORMATS[f].label for f in unstructured.PARTITIONS)
            raise DocumentError(
                f"the parser unstructured reads {readable} here, not {FORMATS[format].label}. Choose the parser auto."
            )
        return Engine("elements", 1, partial(unstructured.read_elements, format=format), "unstructured")


PARSERS = methods("parsers", Parser, Auto, PyPdf, PdfPlumber, Unstructured)
"""kind → class."""


def added_formats() -> dict[str, type[Parser]]:
    """Return the formats that other packages add: name → the class whose engine reads it."""
    return {name: cls for cls in PARSERS.values() for name in cls.formats}


def _format(name: str) -> Format:
    return FORMATS[name] if name in FORMATS else added_formats()[name].formats[name]


def _added(name: str, data: bytes) -> str:
    """Return the added format that a file's extension names; "" where it names none, or the file is empty."""
    extension = name.rpartition(".")[2].lower() if "." in name and data else ""
    return next((f for f, cls in added_formats().items() if extension in cls.formats[f].extensions), "")


def parse_draft(name: str, data: bytes, parser: Parser, format: str = "") -> RawDocument:
    """`parser.draft`, with every failure as a DocumentError that names the file.

    A failure that the parser did not foresee is the error's cause.
    """
    shown = label(name)
    try:
        return parser.draft(name, data, format)
    except DocumentError as error:
        raise DocumentError(f"{shown}: {error}") from None
    except MemoryError as error:
        raise DocumentError(f"{shown}: reading it takes more memory than the limit. Split it into parts.") from error
    except ModuleNotFoundError as error:
        library = (error.name or "a library").partition(".")[0]
        raise DocumentError(f"{shown}: it is read by {library}, which is not installed; {install('parsers')}") from None
    except ImportError as error:  # its message names paths of the server
        raise DocumentError(
            f"{shown}: a library that reads it cannot be loaded ({error.name or 'unknown'}), for want of memory or "
            f"because it is damaged. Raise the limit of memory, or install it: {install('parsers')}."
        ) from error
    except RecursionError as error:
        raise DocumentError(f"{shown}: it is nested too deep to be read. Save it in a simpler form.") from error
    except BaseException as error:  # foreign formats fail in ways that no library lists; the file is refused
        if (
            not isinstance(error, Exception) and type(error).__name__ != "PanicException"
        ):  # what a panic in Rust becomes
            raise
        detail = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        raise DocumentError(
            f"{shown}: it is damaged or unusual, and cannot be read ({detail}). Save it again or as PDF."
        ) from error
