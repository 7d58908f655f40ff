"""``python -m recipebuild``."""

from recipebuild.cli.app import main

if __name__ == "__main__":
    main()
