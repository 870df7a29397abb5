#!/bin/sh
set -eu
path='/usr/bin/greeter'
program='/usr/lib/greeter/launcher/greeter'

# In an unpacked archive both lie in a folder.
own=$(readlink -f -- "$0")
case $own in
*"$path") exec "${own%"$path"}$program" "$@" ;;
*) exec "$program" "$@" ;;
esac
