#!/bin/sh
# The browser tests drive Debian's chromium. Install it where that is possible, else say what is skipped.
set -u
if [ -x /usr/bin/chromium ]; then exit 0; fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "Installing Debian's chromium for the browser tests"
  (apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core) >/dev/null 2>&1
fi
if [ -x /usr/bin/chromium ]; then exit 0; fi
echo "NOTE: /usr/bin/chromium is missing and could not be installed: every browser test will be SKIPPED."
echo "      On Debian: sudo apt-get install chromium"
exit 0
