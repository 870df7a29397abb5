fitout build --quiet --environment ../../evil
