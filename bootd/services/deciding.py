"""What decides without a person, put together: countdown, choices, and where those are kept."""

from typing import Self

from bootd.model.text import clean
from bootd.record import dataclass
from bootd.services.choices import Choices, Configured
from bootd.services.countdown import Countdown
from bootd.services.lifeline import Note
from bootd.services.settings import Settings
from bootd.services.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Deciding:
    """The parts, joined."""

    countdown: Countdown
    choices: Choices
    settings: Settings

    @classmethod
    def join(cls, store: Store, folder: str, configured: Configured) -> Self:
        """Join them; call it with a running loop.

        Args:
            store: Whose options are decided on.
            folder: On a memory file system; what is in it lasts until the next power-on.
            configured: What the configuration files say.
        """
        flag = Note(f"{folder}/countdown-stopped", unsaid="somebody")
        settings = Settings()
        countdown = Countdown(
            store,
            timeout_s=configured.timeout_s,
            stopped_by=clean(flag.read()),
            remember=flag.write,
            held=lambda: settings.loading,
        )
        choices = Choices(store, countdown, settings, Note(f"{folder}/default-until-power-on"))
        choices.configure(configured)
        return cls(countdown=countdown, choices=choices, settings=settings)
