"""The command line: everything an operator does with a bank."""

from __future__ import annotations

from creditbank.cli import main

if __name__ == "__main__":
    main()
