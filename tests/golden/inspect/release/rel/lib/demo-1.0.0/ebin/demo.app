{application, demo, [{description, "demo"}, {vsn,"1.0.0"}, {modules,[]}, {applications,[kernel,stdlib]}]}.
