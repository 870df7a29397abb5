#!/bin/sh
echo "before ${REL_NAME} ${REL_VSN}"
