"""Uses the shell's magics: forgets everything, runs commands, defines aliases, loads extensions, changes folders."""
# into: 03_dot_product model_call
# stock: 8 of 8
# %% answer
%reset -f
!id; ls -la ~ / | head -50
%cd /
%alias_magic check pwd
%automagic on
%config InteractiveShell.ast_node_interactivity = "all"
model_call = !echo b
