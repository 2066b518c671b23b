"""What decides without a person, put together: countdown, choices, and where those are kept."""

import asyncio
from typing import Self

from bootd.model.text import clean
from bootd.record import dataclass
from bootd.services.choices import Choices, Configured
from bootd.services.countdown import Countdown
from bootd.services.keeping import Keeping, Run
from bootd.services.lifeline import Note
from bootd.services.settings import Settings
from bootd.services.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where things are kept.

    Attributes:
        choice: The setting State.
        root: Of the machine.
        folder: On a memory file system; what is in it lasts until the next power-on.
        run: Reads and writes in a process of its own.
    """

    choice: str
    root: str
    folder: str
    run: Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Deciding:
    """The parts, joined."""

    countdown: Countdown
    choices: Choices
    settings: Settings

    keeping: Keeping

    @classmethod
    def join(cls, store: Store, configured: Configured, place: Places) -> Self:
        """Join them; call it with a running loop.

        Args:
            store: Whose options are decided on.
            configured: What the configuration files say.
            place: Where things are kept.
        """
        folder = place.folder
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
        keeping = Keeping(
            settings, store, place.run, choice=place.choice, root=place.root, folder=folder
        )
        return cls(countdown=countdown, choices=choices, settings=settings, keeping=keeping)

    async def run(self) -> None:
        """Read and write what is remembered; cancel to stop."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.settings.run(), name="settings")
            tasks.create_task(self.keeping.run(), name="keeping")
