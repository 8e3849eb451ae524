"""`python -m addonkit_s3_remote.local`: the command `addonkit-s3-local`."""

from addonkit_s3_remote.local.command import main

if __name__ == "__main__":
    main()
