#!/bin/sh
# runs the migrations
release_ctl eval --mfa "Heron.Release.migrate/0"
