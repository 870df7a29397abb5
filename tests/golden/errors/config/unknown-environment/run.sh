fitout build --quiet --environment stagging
