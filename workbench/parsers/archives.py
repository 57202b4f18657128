"""Members of a ZIP file, read in blocks up to a cap; what the directory says about sizes is never trusted."""

import io
import posixpath
import zipfile
import zlib
from types import TracebackType
from typing import Any

from workbench.errors import DocumentError

MAX_BYTES = 200_000_000
MAX_RATIO = 200
_RATIO_FROM = 10_000_000  # a small file may well be packed better than the ratio
_BLOCK = 1 << 20


class Archive:
    """A ZIP file whose members are read by name, never extracted."""

    def __init__(self, data: bytes, limit: int = MAX_BYTES) -> None:
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
            raise DocumentError(f"its ZIP container is damaged ({error}). Copy or save it again.") from None
        self._limit = min(limit, max(_RATIO_FROM, len(data) * MAX_RATIO))
        self.unpacked = 0
        """Bytes of all members read."""
        self.names = frozenset(self._zip.namelist())

    def __enter__(self) -> "Archive":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._zip.close()

    @property
    def full(self) -> bool:
        """Return whether more was unpacked than the limit."""
        return self.unpacked > self._limit

    def entries(self) -> list[zipfile.ZipInfo]:
        """Return the directory's entries; of two with the same name both."""
        return self._zip.infolist()

    def read(self, name: str | zipfile.ZipInfo) -> bytes:
        """Return the content of a member.

        Raises:
            DocumentError: absent, encrypted, damaged, or more than the limit for all members together.
        """
        parts = []
        try:
            with self._zip.open(name) as member:
                while part := member.read(_BLOCK):
                    self.unpacked += len(part)
                    if self.full:
                        raise DocumentError(
                            f"it unpacks to more than {self._limit / 1e6:,.0f} MB, the limit for its size. "
                            "This may be a ZIP bomb; split the document if it is genuine."
                        )
                    parts.append(part)
        except KeyError:
            raise DocumentError(f"its part {_named(name)} is missing. Save it again.") from None
        except RuntimeError:
            raise DocumentError("it is protected by a password. Save a copy without it.") from None
        except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError) as error:
            raise DocumentError(f"its part {_named(name)} is damaged ({error}). Copy or save it again.") from None
        return b"".join(parts)

    def xml(self, name: str) -> Any:
        """Return the root element of an XML member."""
        return xml_root(self.read(name))

    def relations(self, part: str) -> dict[str, tuple[str, str]]:
        """Return an Office part's relations: id → (type's last word, member name), without targets outside the file."""
        folder, base = posixpath.split(part)
        rels = f"{folder}/_rels/{base}.rels"
        if rels not in self.names:
            return {}
        found = {}
        for rel in self.xml(rels):
            if rel.get("TargetMode") != "External" and (target := rel.get("Target")):
                path = (
                    target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))
                )
                found[rel.get("Id", "")] = (rel.get("Type", "").rpartition("/")[2], path)
        return found


def _named(member: str | zipfile.ZipInfo) -> str:
    return member if isinstance(member, str) else member.filename


def xml_root(data: bytes) -> Any:
    """Return the root element of an XML text, parsed without entities, DTD or network.

    Raises:
        DocumentError: not well-formed, nested too deep, or with a document type declaration that defines something.
    """
    from lxml import etree

    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise DocumentError(f"its XML cannot be read ({error}).") from None
    declaration: Any = root.getroottree().docinfo
    if declaration.internalDTD is not None and (
        declaration.system_url or any(True for _ in declaration.internalDTD.iterentities())
    ):
        raise DocumentError(
            "its XML declares a document type with entities or an outside address, which is refused. Save it without."
        )
    return root
