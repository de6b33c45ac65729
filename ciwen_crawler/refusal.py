"""Refusals: why a request that was meant to be made is not made. Its errback gets one in place of an answer."""


class Refusal(Exception):
    """The root; never raised itself."""


class Disallowed(Refusal):
    """The host's robots.txt does not allow it, or cannot be had."""


class OffHosts(Refusal):
    """It leads to a host that the channel is not archived from."""


class PrivateAddress(Refusal):
    """It leads into a private network, or to this very machine."""


class GivenUp(Refusal):
    """Nothing more is asked of its host in this run."""


class Unasked(Refusal):
    """The run is ending. Neither a failure nor anybody's fault."""
