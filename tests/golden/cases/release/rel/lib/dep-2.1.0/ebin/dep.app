{application, dep, [{description, "dep"}, {vsn,"2.1.0"}, {modules,[]}, {applications,[kernel,stdlib]}]}.
