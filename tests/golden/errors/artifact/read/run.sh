ln -s loop loop
fitout inspect loop
