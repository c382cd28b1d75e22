// Buttons that copy the text of the element they name.
const copy = async (button) => {
  const text = document.getElementById(button.dataset.copy).textContent.trim();
  await navigator.clipboard.writeText(text);
  const before = button.textContent;
  button.textContent = button.dataset.done;
  setTimeout(() => { button.textContent = before; }, 1500);
};

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) copy(button);
});

// Without a clipboard (plain http on another machine) the button would do nothing.
if (navigator.clipboard) document.documentElement.classList.add("can-copy");
