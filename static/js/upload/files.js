// What somebody dropped or chose, as a list of { path, file }.
const read = (reader) => new Promise((resolve, reject) => reader.readEntries(resolve, reject));

const within = async (entry, folder, found) => {
  const path = folder + entry.name;
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    found.push({ path, file });
    return;
  }
  const reader = entry.createReader();
  // A browser gives a hundred at a time.
  for (let some = await read(reader); some.length; some = await read(reader)) {
    for (const inner of some) await within(inner, `${path}/`, found);
  }
};

// Of a single folder its content is meant, and not a folder in the model.
const withoutRoot = (files) => {
  const root = files[0]?.path.split("/")[0];
  const isOne = files.every(({ path }) => path.includes("/") && path.split("/")[0] === root);
  return isOne ? files.map(({ path, file }) => ({ path: path.slice(root.length + 1), file })) : files;
};

export const dropped = async (transfer) => {
  // All entries at once: after the first wait the browser has forgotten the others.
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry()).filter(Boolean);
  const found = [];
  for (const entry of entries) await within(entry, "", found);
  return withoutRoot(found);
};

export const chosen = (input) =>
  withoutRoot([...input.files].map((file) => ({ path: file.webkitRelativePath || file.name, file })));

// .git, .cache, .DS_Store and the like belong to a machine and not to a model.
export const isHidden = ({ path }) => path.split("/").some((part) => part.startsWith("."));
