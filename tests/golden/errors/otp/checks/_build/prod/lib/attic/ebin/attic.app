{application, attic,
 [{vsn, "0.3.0"},
  {modules, []},
  {applications, [kernel]},
  {included_applications, [cupboard]}]}.
