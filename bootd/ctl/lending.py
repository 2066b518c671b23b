"""Second looks of `bootdctl scan`: configurations that read files of other devices."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from bootd.ctl.look import Look
from bootd.errors import ProbeError
from bootd.formats.lending import lend
from bootd.fsview import FsView
from bootd.model.lent import LentFile
from bootd.policy.lending import MAX_ROUNDS, answers, questions, unanswered
from bootd.probe import answer, confined, image
from bootd.probe.image import Stretch
from bootd.protocol.codec import Json, to_json


def look_again(
    look: Look,
    places: Mapping[str, Stretch],
    scan: Callable[[Stretch, Sequence[LentFile]], Look],
) -> Look:
    """Return the look at a device with all that its configuration wants of the others.

    Args:
        look: The first one.
        places: All devices, by name.
        scan: Looks at one with what was lent.
    """
    own = look.device
    devices = [each.device for each in places.values()]
    lent: tuple[LentFile, ...] = ()
    for _ in range(MAX_ROUNDS):
        wants = unanswered(look.result.wants, lent)
        asked = questions(wants, own, devices)
        found = {name: _ask(places[name], paths) for name, paths in asked.items()}
        more = answers(wants, own, devices, found)
        if not more:
            break
        lent += more
        look = scan(places[own.name], lent)
    return look


def _ask(stretch: Stretch, paths: Sequence[str]) -> tuple[LentFile, ...]:
    name = stretch.device.name
    try:
        with image.opened(stretch) as view:
            found = confined.run(name, partial(_look_up, view, paths))
    except (ProbeError, OSError):
        return ()  # what is wrong with it is said where it is looked at itself
    return answer.lent_files(found, paths)


def _look_up(view: FsView, paths: Sequence[str]) -> Json:
    return [to_json(each) for each in lend(view, paths)]
