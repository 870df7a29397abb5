fitout release relup r1 r2 || true
sed -i s/2.0.1/2.0.0/ r2/lib/demo-2.0.0/ebin/demo.appup
printf '{"2.1", [{"1.1", [{load_module, gone}]}], [{"1.1", []}]}.\n' >r2/lib/other-2.1/ebin/other.appup
fitout release relup r1 r2
