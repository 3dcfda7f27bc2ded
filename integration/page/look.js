// What is there to see, and can it be read?
(() => {
  const channels = (color) => color.match(/[\d.]+/g).map(Number);
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  // The color behind an element: the page's own are opaque.
  const behind = (element) => {
    for (; element; element = element.parentElement) {
      const [r, g, b, alpha = 1] = channels(getComputedStyle(element).backgroundColor);
      if (alpha === 1) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const contrast = (element) => {
    const [light, dark] = [luminance(channels(getComputedStyle(element).color).slice(0, 3)), luminance(behind(element))].sort((a, b) => b - a);
    return (light + 0.05) / (dark + 0.05);
  };
  const pale = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = texts.currentNode.textContent.trim();
    if (text && contrast(texts.currentNode.parentElement) < 4.5) pale.push(text + " " + contrast(texts.currentNode.parentElement).toFixed(2));
  }
  return {
    Text: document.body.innerText.replace(/\s+/g, " "),
    Words: document.querySelector("details").textContent,
    Overflow: document.documentElement.scrollWidth - innerWidth,
    Pale: pale,
  };
})();
