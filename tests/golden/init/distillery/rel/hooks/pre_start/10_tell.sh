#!/bin/sh
set -eu
echo "about to start $REL_NAME"
