{application, demo, [{description, "demo"}, {vsn,"0.9.0"}, {modules,[]}, {applications,[kernel,stdlib]}]}.
