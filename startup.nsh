@echo -off
# Started by the UEFI Shell: finds the volume that holds assay.efi and runs it from there.
for %v in fs0 fs1 fs2 fs3 fs4 fs5 fs6 fs7 fs8 fs9
  if exist %v:\assay.efi then
    %v:
    assay.efi
    goto end
  endif
endfor
echo assay.efi is on none of the volumes fs0 to fs9; type map -r to see the volumes.
:end
