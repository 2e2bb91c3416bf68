export default function PicturesView() { return null; }
