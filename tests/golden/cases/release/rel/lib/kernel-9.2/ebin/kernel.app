{application, kernel, [{description, "kernel"}, {vsn,"9.2"}, {modules,[]}, {applications,[kernel,stdlib]}]}.
