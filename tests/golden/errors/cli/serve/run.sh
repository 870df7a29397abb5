fitout repo serve nowhere
