"""The interpreter: walks a script's syntax tree.

Source: GRUB grub-core/script/execute.c. A command is, in this order: a function, a command of the
table, an assignment, unknown. What is unknown fails (`$?` is not 0) and is remarked on.
"""

from bootd.errors import ConfigSyntaxError
from bootd.formats.grub.commands import COMMANDS
from bootd.formats.grub.expansion import expand
from bootd.formats.grub.session import FAILED, OK, Call, Jump, Session
from bootd.formats.grub.syntax import Command, For, Function, If, Loop, Script
from bootd.model.text import clean


class Interpreter:
    """Runs scripts in a session."""

    def __init__(self, session: Session) -> None:
        self._session = session
        session.run = self.run

    def run(self, script: Script) -> None:
        """Run statements until the end or a jump.

        Raises:
            ConfigLimitError: The configuration is too complex.
        """
        session = self._session
        for statement in script:
            session.budget.line = statement.line
            match statement:
                case Command():
                    self._command(statement)
                case If():
                    self._if(statement)
                case For():
                    self._for(statement)
                case Loop():
                    self._loop(statement)
                case Function():
                    session.functions[statement.name] = statement.body
            if session.jump is not None:
                return

    def _command(self, command: Command) -> None:
        session = self._session
        session.budget.step(1 + len(command.words))
        args = expand(command.words, session)
        negated = False
        while args and args[0] == "!":
            negated = not negated
            del args[0]
        if args:
            status = self._call(Call(args[0], args[1:], command.block))
            session.env.status = (FAILED if status == OK else OK) if negated else status

    def _call(self, call: Call) -> int:
        session = self._session
        if call.name in session.functions:
            return self._function(session.functions[call.name], call.args)
        command = COMMANDS.get(call.name)
        if command is not None:
            return self._builtin(call)
        name, equals, value = call.name.partition("=")
        if equals:
            session.env.set(name, value)
            return OK
        session.remark(f"unknown command {clean(call.name)}, ignored")
        return FAILED

    def _builtin(self, call: Call) -> int:
        session = self._session
        try:
            return COMMANDS[call.name](session, call)
        except ConfigSyntaxError as error:
            session.remark(clean(f"{call.name}: {error.reason}"))
            return FAILED

    def _function(self, body: Script, args: list[str]) -> int:
        session = self._session
        with session.deeper() as allowed, session.env.scope(args):
            if not allowed:
                return FAILED
            self.run(body)
            if session.jump is Jump.RETURN:
                session.jump = None
        return session.env.status

    def _holds(self, condition: Script) -> bool:
        self.run(condition)
        return self._session.env.status == OK

    def _if(self, statement: If) -> None:
        for condition, body in statement.branches:
            holds = self._holds(condition)
            if self._session.jump is not None:
                return
            if holds:
                self.run(body)
                return
        self._session.env.status = OK
        self.run(statement.otherwise)

    def _for(self, statement: For) -> None:
        session = self._session
        for value in expand(statement.words, session):
            session.budget.step(1)
            session.env.set(statement.name, value)
            self.run(statement.body)
            if self._leaves():
                return

    def _loop(self, statement: Loop) -> None:
        session = self._session
        while True:
            session.budget.step(1)
            holds = self._holds(statement.condition)
            if session.jump is not None or holds is statement.until:
                self._leaves()
                return
            self.run(statement.body)
            if self._leaves():
                return

    def _leaves(self) -> bool:
        """Say whether a loop ends because of a jump, and use up one level of `break N`."""
        session = self._session
        if session.jump is None:
            return False
        if session.jump not in {Jump.BREAK, Jump.CONTINUE}:
            return True
        session.loops -= 1
        if session.loops > 0:
            return True
        ends = session.jump is Jump.BREAK
        session.jump = None
        return ends
