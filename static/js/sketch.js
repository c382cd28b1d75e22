// A file that is too large to be a sketch is not sent at all.
for (const input of document.querySelectorAll("[data-max-bytes]")) {
  input.addEventListener("change", () => {
    const [file] = input.files;
    const isTooLarge = file && file.size > Number(input.dataset.maxBytes);
    input.setCustomValidity(isTooLarge ? input.dataset.tooLarge : "");
    input.reportValidity();
  });
}
