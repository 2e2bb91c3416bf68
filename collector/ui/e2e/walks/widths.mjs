export async function widths() {}
