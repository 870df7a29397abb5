{application, stdlib, [{description, "stdlib"}, {vsn,"5.2"}, {modules,[]}, {applications,[kernel,stdlib]}]}.
