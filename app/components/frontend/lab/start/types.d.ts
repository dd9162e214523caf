// What `app/lab/__init__.py` hands its first page; `tests/app/test_page_types.py` holds it to that.

/** `app/lab/__init__.py` */
export interface LabStartData {
  views: { name: string; title: string; notice: string }[];
}
