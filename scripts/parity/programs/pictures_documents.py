"""Pictures with Pillow, documents with lxml, templates, and other libraries that are there."""

import io

import jinja2
from dateutil import parser, rrule
from joblib import Parallel, delayed
from lxml import etree, html
from PIL import Image, ImageDraw, ImageFilter

# %% PNG with Pillow
out = io.BytesIO()
Image.new("RGB", (4, 3), (255, 0, 0)).save(out, "PNG")
Image.open(io.BytesIO(out.getvalue())).getpixel((1, 1))

# %% JPEG with Pillow
out = io.BytesIO()
Image.new("RGB", (4, 3)).save(out, "JPEG")
out.getvalue()[:2]

# %% GIF and BMP with Pillow
found = []
for kind in ("GIF", "BMP", "PPM"):
    out = io.BytesIO()
    Image.new("L", (2, 2), 9).save(out, kind)
    found.append(Image.open(io.BytesIO(out.getvalue())).size)
found

# %% WebP with Pillow
out = io.BytesIO()
Image.new("RGB", (4, 3)).save(out, "WEBP")
out.getvalue()[:4]

# %% TIFF with Pillow
out = io.BytesIO()
Image.new("RGB", (4, 3)).save(out, "TIFF", compression="tiff_lzw")
len(out.getvalue()) > 0

# %% resize and filter with Pillow
picture = Image.linear_gradient("L").resize((8, 8)).filter(ImageFilter.BLUR)
list(picture.tobytes())

# %% text with Pillow
picture = Image.new("L", (40, 12))
ImageDraw.Draw(picture).text((0, 0), "ab", fill=255)
picture.getbbox()

# %% lxml
etree.tostring(
    etree.XSLT(
        etree.XML(
            "<x:stylesheet version='1.0' xmlns:x='http://www.w3.org/1999/XSL/Transform'><x:template match='/'><y/></x:template></x:stylesheet>"
        )
    )(etree.XML("<a/>"))
)

# %% lxml XPath
etree.XML("<a><b n='2'/><b n='5'/></a>").xpath("sum(//b/@n)")

# %% lxml HTML
html.fromstring("<p>a<b>c").text_content()

# %% jinja2
jinja2.Template("{% for i in n %}{{ i }},{% endfor %}").render(n=[1, 2])

# %% dateutil
[
    parser.parse("3 Mar 2021 5pm"),
    len(list(rrule.rrule(rrule.DAILY, count=3, dtstart=parser.parse("2020-01-01")))),
]

# %% joblib in parallel
Parallel(n_jobs=2)(delayed(abs)(n) for n in (-1, 2))
