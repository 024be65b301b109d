"""How long a refused commit waits for its next attempt: as crowded as the branch is seen to be. Pure.

Others that were refused are not seen, but the pace of the branch tells of them. With *n* of them spread over a window
of *w* seconds somebody begins an attempt every ``w / 2n`` seconds, and a commit lands every ``own + w / 2n`` seconds,
*own* being what one takes. So the gap between two attempts is what the pace leaves after *own*, and each of the *n*
brings it to the same value by itself. ``tests/unit/gitops_write/test_contention.py`` has the model that the numbers
were chosen with: 50 jobs at once are done in 65 s, where a window that doubles at each refusal takes 105 s.
"""

from __future__ import annotations

from dataclasses import dataclass

# The gap aimed at: of two jobs nearer together than a commit takes one is refused, and a longer gap is idle time.
_GAP_SECONDS = 0.5
_FIRST_SECONDS, _SHORTEST_SECONDS, _LONGEST_SECONDS = 8.0, 2.0, 60.0
# A pace counted over seconds is a rough one: the window follows it in steps.
_GROWS, _SHRINKS = 2.0, 0.25
# A wait is cut into pieces that end with a look, so that the last of many sees that they are gone.
LOOK_SECONDS = 4.0


@dataclass
class Window:
    """The *seconds* over which the attempts of everybody who was refused spread; *refusals* counts our own."""

    seconds: float = _FIRST_SECONDS
    refusals: int = 0

    def wait(self, chance: float) -> float:
        """Seconds until the next attempt, *chance* (0 to 1) of the window; above LOOK_SECONDS: look by then."""
        return chance * self.seconds

    def refused(self) -> None:
        """Our commit was refused. Whoever is refused again and again, whatever is seen, asks less often."""
        self.refusals += 1

    def look(self, commits: int | None, elapsed: float, own: float, *, refused: bool) -> None:
        """Take in what happened since the last look.

        Parameters: *commits* landed in *elapsed* seconds (None: not known); *own* are the seconds that a commit of
        ours takes, answer included; *refused*: one of ours was, since the last look.
        """
        factor = 1.0
        if commits:
            factor = _GAP_SECONDS / max(elapsed / commits - own, 0.05)
        elif commits == 0:
            # Refused though nothing landed: reads are late, or GitHub is in trouble. Else nobody is there any more.
            factor = _GROWS if refused else _SHRINKS
        self.seconds *= min(_GROWS, max(_SHRINKS, factor))
        self.seconds = min(_LONGEST_SECONDS, max(_SHORTEST_SECONDS, self.refusals / 2, self.seconds))
