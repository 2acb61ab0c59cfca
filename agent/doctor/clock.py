"""Is the clock set? Certificates, records and commands depend on it; the reflex does not."""

import ctypes
import struct
import time
from pathlib import Path

from agent.app import TRUSTED_AFTER_S
from agent.doctor.finding import Finding, fail, warn, well
from agent.doctor.site import Site

_TIMESYNCD = Path("/run/systemd/timesync/synchronized")
_TIMEX_BYTES = 256  # struct timex is 208 bytes on a 64-bit kernel (linux/timex.h)
_STATUS = struct.Struct("=i")
_STATUS_AT = 40
_STA_UNSYNC = 0x40


def clock(_site: Site) -> list[Finding]:
    """Plausible, and kept by somebody."""
    return [judge(time.time(), synchronised=kernel_says_synchronised(), timesyncd=_TIMESYNCD.exists())]


def kernel_says_synchronised() -> bool | None:
    """The kernel's own word (adjtimex(2), which only reads here); None: it does not say."""
    timex = ctypes.create_string_buffer(_TIMEX_BYTES)
    if ctypes.CDLL(None, use_errno=True).adjtimex(timex) < 0:
        return None
    (status,) = _STATUS.unpack_from(timex.raw, _STATUS_AT)
    return not status & _STA_UNSYNC


def judge(now_s: float, *, synchronised: bool | None, timesyncd: bool) -> Finding:
    """`now_s`: Unix seconds of the wall clock; `timesyncd`: systemd says that it was set once since boot."""
    date = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now_s))
    start = "`systemctl enable --now systemd-timesyncd`, or the NTP service of this system"
    if now_s < TRUSTED_AFTER_S:
        remedy = f"the clock says {date}, so it was never set: certificates fail and records carry wrong times; {start}"
        return fail("", f"never set ({date})", remedy)
    if synchronised:
        return well("", f"{date}, synchronised")
    if timesyncd:
        return well("", f"{date}, set since boot")
    remedy = f"nobody keeps the clock ({date}); it drifts, and starts wrong after a power cut; {start}"
    return warn("", f"{date}, not synchronised", remedy)
