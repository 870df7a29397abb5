fitout templates show comand.sh
