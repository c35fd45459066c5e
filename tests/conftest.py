"""One hypothesis profile for all tests: no test depends on speed. Interruptions arrive."""

import signal

from hypothesis import HealthCheck, settings

settings.register_profile(
    "suite", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
settings.load_profile("suite")

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # as in the background of some shells
    signal.signal(signal.SIGINT, signal.default_int_handler)  # what a test starts is interrupted
