"""What several sessions share, on any threads: limits that hold over all of them, and certificates
that are read once."""

from typing import TYPE_CHECKING, Any

from . import _engine, _options

if TYPE_CHECKING:
    from typing_extensions import Unpack


class _Shared:
    _KIND = ""

    def __init__(self, kind: str, options: Any) -> None:
        self._shared = _engine.Shared(kind, _options.to_fields(options))

    def __init_subclass__(cls) -> None:
        cls._KIND = cls.__name__


class Limits(_Shared):
    """Limits(pool=..., rate=..., ...): hold exactly over all sessions that are given them
    (`limits=`). Takes pool, pool_per_origin, rate and what begins with rate_ or retry_budget_. A
    pause that a platform asks of one holds for all. Any thread."""

    def __init__(self, pool: int = 40, **options: "Unpack[_options.Settings]") -> None:
        super().__init__("limits", {"pool": pool, **options})


class Certificates(_Shared):
    """Certificates(ca_file=..., ...): read once, for all sessions that are given them (`tls=`).
    Takes ca_file, cert_file, key_file, insecure, pool and what begins with tls_. ValueError tells
    what is wrong with a file. Any thread."""

    def __init__(self, pool: int = 40, **options: "Unpack[_options.Settings]") -> None:
        super().__init__("tls", {"pool": pool, **options})
