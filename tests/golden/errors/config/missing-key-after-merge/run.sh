fitout build --quiet --environment live
