"""What the pinned interpreter brings. Written by scripts/refresh_packages.py; do not edit."""

from __future__ import annotations

# One line for each distribution, however long.
# ruff: noqa: E501
# fmt: off

# The SHA-256 of the library that this was read from, as toolchain/pins.toml has it.
LIBRARY = "a7b8f7cbd4799ac8c81223cbc47f8cea503adac934a04826778b66e5a5e9b847"

# Normalized name, version, whether it needs `science`, import names, what it requires, and what
# its extras require.
DISTRIBUTIONS: tuple[
    tuple[
        str, str, bool, tuple[str, ...], tuple[str, ...], tuple[tuple[str, tuple[str, ...]], ...]
    ],
    ...,
] = (
    ('attrs', '26.1.0', False, ('attr', 'attrs'), (), ()),
    ('beautifulsoup4', '4.15.0', False, ('bs4',), ('soupsieve', 'typing-extensions'), (('cchardet', ('cchardet',)), ('chardet', ('chardet',)), ('charset-normalizer', ('charset-normalizer',)), ('html5lib', ('html5lib',)), ('lxml', ('lxml',)))),
    ('charset-normalizer', '3.5.2', False, ('charset_normalizer',), (), ()),
    ('cloudpickle', '3.1.2', False, ('cloudpickle',), (), ()),
    ('contourpy', '1.4.0', True, ('contourpy',), ('numpy',), (('bokeh', ('bokeh', 'selenium')), ('docs', ('myst-parser', 'sphinx', 'sphinx-book-theme', 'sphinx-copybutton')), ('mypy', ('bokeh', 'contourpy[bokeh,docs]', 'docutils-stubs', 'mypy==2.1.0', 'types-pillow')), ('test', ('contourpy[test-no-images]', 'matplotlib', 'pillow', 'pre-commit')), ('test-no-images', ('pytest', 'pytest-cov', 'pytest-rerunfailures<16', 'pytest-xdist', 'wurlitzer')))),
    ('cycler', '0.12.1', False, ('cycler',), (), (('docs', ('ipython', 'matplotlib', 'numpydoc', 'sphinx')), ('tests', ('pytest', 'pytest-cov', 'pytest-xdist')))),
    ('defusedxml', '0.7.1', False, ('defusedxml',), (), ()),
    ('et-xmlfile', '2.0.0', False, ('et_xmlfile',), (), ()),
    ('fonttools', '4.67.0', False, ('fontTools',), (), (('all', ('brotli>=1.0.1', 'lxml>=4.0', 'lz4>=1.7.4.2', 'matplotlib', 'pycairo', 'scipy', 'skia-pathops>=0.5.0', 'sympy', 'uharfbuzz>=0.45.0', 'unicodedata2>=18.0.0', 'zopfli>=0.1.4')), ('graphite', ('lz4>=1.7.4.2',)), ('interpolatable', ('pycairo', 'scipy')), ('lxml', ('lxml>=4.0',)), ('pathops', ('skia-pathops>=0.5.0',)), ('plot', ('matplotlib',)), ('repacker', ('uharfbuzz>=0.45.0',)), ('symfont', ('sympy',)), ('unicode', ('unicodedata2>=18.0.0',)), ('woff', ('brotli>=1.0.1', 'zopfli>=0.1.4')))),
    ('formulaic', '1.2.2', True, ('formulaic',), ('interface-meta', 'narwhals', 'numpy', 'pandas', 'scipy', 'typing-extensions', 'wrapt'), (('arrow', ('pyarrow>=1',)), ('calculus', ('sympy!=1.10,>=1.3',)), ('polars', ('polars>=1',)))),
    ('html5lib', '1.1', False, ('html5lib',), ('six', 'webencodings'), (('all', ('chardet>=2.2', 'genshi', 'lxml')), ('chardet', ('chardet>=2.2',)), ('genshi', ('genshi',)), ('lxml', ('lxml',)))),
    ('interface-meta', '2.0.1', False, ('interface_meta',), (), ()),
    ('jinja2', '3.1.6', False, ('jinja2',), ('markupsafe',), (('i18n', ('babel>=2.7',)),)),
    ('joblib', '1.6.0', False, ('joblib',), ('cloudpickle',), (('docs', ('distributed', 'lz4', 'matplotlib', 'numpy', 'numpydoc', 'pandas', 'psutil', 'pydata-sphinx-theme', 'sphinx', 'sphinx-copybutton', 'sphinx-design', 'sphinx-gallery', 'tqdm')), ('test', ('distributed', 'lz4', 'memory-profiler', 'numpy', 'pytest', 'pytest-asyncio', 'pytest-cov', 'pytest-run-parallel', 'pytest-timeout', 'threadpoolctl')))),
    ('kiwisolver', '1.5.1', True, ('kiwisolver',), (), ()),
    ('lxml', '6.1.3', True, ('lxml',), (), (('cssselect', ('cssselect>=0.7',)), ('html-clean', ('lxml-html-clean',)), ('html5', ('html5lib',)), ('htmlsoup', ('beautifulsoup4',)))),
    ('markupsafe', '3.0.4', False, ('markupsafe',), (), ()),
    ('matplotlib', '3.11.2', True, ('matplotlib', 'mpl_toolkits', 'pylab'), ('contourpy', 'cycler', 'fonttools', 'kiwisolver', 'numpy', 'packaging', 'pillow', 'pyparsing', 'python-dateutil'), ()),
    ('more-itertools', '11.2.1', False, ('more_itertools',), (), ()),
    ('mpmath', '1.3.0', False, ('mpmath',), (), (('develop', ('codecov', 'pycodestyle', 'pytest-cov', 'pytest>=4.6', 'wheel')), ('docs', ('sphinx',)), ('gmpy', ('gmpy2>=2.1.0a4',)), ('tests', ('pytest>=4.6',)))),
    ('narwhals', '2.27.1', False, ('narwhals',), (), (('dask', ('dask[dataframe]>=2024.8',)), ('duckdb', ('duckdb>=1.1',)), ('ibis', ('ibis-framework>=6.0.0', 'packaging>=21.3', 'pyarrow-hotfix>=0.7')), ('modin', ('modin>=0.22.0',)), ('pandas', ('pandas>=1.3.4',)), ('polars', ('polars>=0.20.4',)), ('pyarrow', ('pyarrow>=13.0.0',)), ('pyspark', ('pyspark>=3.5.0',)), ('pyspark-connect', ('pyspark[connect]>=3.5.0',)), ('sql', ('narwhals[duckdb]', 'sqlparse>=0.5.5')), ('sqlframe', ('sqlframe!=3.39.3,>=3.22.0',)))),
    ('networkx', '3.7', False, ('networkx',), (), (('benchmarking', ('asv>=0.6.5', 'py-rattler<0.22,>=0.21', 'virtualenv')), ('default', ('matplotlib>=3.10', 'numpy>=2.2', 'pandas>=2.3', 'scipy>=1.15')), ('developer', ('mypy>=1.15', 'pre-commit>=4.1')), ('doc', ('intersphinx-registry', 'myst-nb>=1.1', 'numpydoc>=1.8.0', 'pillow>=10', 'pydata-sphinx-theme>=0.16', 'sphinx-gallery>=0.18', 'sphinx>=8.0', 'texext>=0.6.7')), ('example', ('cairocffi>=1.7', 'contextily>=1.6', 'hiveplotlib>=0.28', 'igraph>=0.11', 'iplotx>=0.9.0', 'momepy>=0.7.2', 'osmnx>=2.0.0', 'scikit-learn>=1.6', 'seaborn>=0.13')), ('extra', ('lxml>=4.6', 'pydot>=3.0.1', 'pygraphviz>=2.0', 'sympy>=1.10')), ('release', ('build>=0.10', 'changelist==0.5', 'twine>=4.0', 'wheel>=0.40')), ('test', ('pytest-cov>=4.0', 'pytest-xdist>=3.0', 'pytest>=7.2')), ('test-extras', ('pytest-mpl', 'pytest-randomly')))),
    ('numpy', '2.5.2', True, ('numpy',), (), ()),
    ('openpyxl', '3.1.5', False, ('openpyxl',), ('et-xmlfile',), ()),
    ('packaging', '26.3', False, ('packaging',), (), ()),
    ('pandas', '3.0.6', True, ('pandas',), ('numpy', 'python-dateutil'), (('all', ('adbc-driver-postgresql>=1.2.0', 'adbc-driver-sqlite>=1.2.0', 'beautifulsoup4>=4.12.3', 'bottleneck>=1.4.2', 'fastparquet>=2024.11.0', 'fsspec>=2024.10.0', 'gcsfs>=2024.10.0', 'html5lib>=1.1', 'hypothesis>=6.116.0', 'jinja2>=3.1.5', 'lxml>=5.3.0', 'matplotlib>=3.9.3', 'numba>=0.60.0', 'numexpr>=2.10.2', 'odfpy>=1.4.1', 'openpyxl>=3.1.5', 'psycopg2>=2.9.10', 'pyarrow>=13.0.0', 'pyiceberg>=0.8.1', 'pymysql>=1.1.1', 'pyqt5>=5.15.9', 'pyreadstat>=1.2.8', 'pytest-xdist>=3.6.1', 'pytest>=8.3.4', 'python-calamine>=0.3.0', 'pytz>=2020.1', 'pyxlsb>=1.0.10', 'qtpy>=2.4.2', 's3fs>=2024.10.0', 'scipy>=1.14.1', 'sqlalchemy>=2.0.36', 'tables>=3.10.1', 'tabulate>=0.9.0', 'xarray>=2024.10.0', 'xlrd>=2.0.1', 'xlsxwriter>=3.2.0', 'zstandard>=0.23.0')), ('aws', ('s3fs>=2024.10.0',)), ('clipboard', ('pyqt5>=5.15.9', 'qtpy>=2.4.2')), ('compression', ('zstandard>=0.23.0',)), ('computation', ('scipy>=1.14.1', 'xarray>=2024.10.0')), ('excel', ('odfpy>=1.4.1', 'openpyxl>=3.1.5', 'python-calamine>=0.3.0', 'pyxlsb>=1.0.10', 'xlrd>=2.0.1', 'xlsxwriter>=3.2.0')), ('feather', ('pyarrow>=13.0.0',)), ('fss', ('fsspec>=2024.10.0',)), ('gcp', ('gcsfs>=2024.10.0',)), ('hdf5', ('tables>=3.10.1',)), ('html', ('beautifulsoup4>=4.12.3', 'html5lib>=1.1', 'lxml>=5.3.0')), ('iceberg', ('pyiceberg>=0.8.1',)), ('mysql', ('pymysql>=1.1.1', 'sqlalchemy>=2.0.36')), ('output-formatting', ('jinja2>=3.1.5', 'tabulate>=0.9.0')), ('parquet', ('pyarrow>=13.0.0',)), ('performance', ('bottleneck>=1.4.2', 'numba>=0.60.0', 'numexpr>=2.10.2')), ('plot', ('matplotlib>=3.9.3',)), ('postgresql', ('adbc-driver-postgresql>=1.2.0', 'psycopg2>=2.9.10', 'sqlalchemy>=2.0.36')), ('pyarrow', ('pyarrow>=13.0.0',)), ('spss', ('pyreadstat>=1.2.8',)), ('sql-other', ('adbc-driver-postgresql>=1.2.0', 'adbc-driver-sqlite>=1.2.0', 'sqlalchemy>=2.0.36')), ('test', ('hypothesis>=6.116.0', 'pytest-xdist>=3.6.1', 'pytest<9.1,>=8.3.4')), ('timezone', ('pytz>=2020.1',)), ('xml', ('lxml>=5.3.0',)))),
    ('patsy', '1.0.3', True, ('patsy',), ('numpy', 'packaging'), (('test', ('pytest', 'pytest-cov', 'scipy')),)),
    ('pillow', '13.0.0', True, ('PIL',), (), (('docs', ('furo', 'olefile', 'sphinx-autobuild', 'sphinx-copybutton', 'sphinx-inline-tabs', 'sphinx>=8.2', 'sphinxext-opengraph')), ('fpx', ('olefile',)), ('mic', ('olefile',)), ('test-arrow', ('arro3-compute', 'arro3-core', 'nanoarrow', 'pyarrow')), ('tests', ('coverage>=7.4.2', 'defusedxml', 'markdown2', 'olefile', 'packaging', 'pytest', 'pytest-cov', 'pytest-timeout', 'pytest-xdist', 'setuptools', 'trove-classifiers>=2024.10.12')), ('xmp', ('defusedxml',)))),
    ('pyparsing', '3.3.3', False, ('pyparsing',), (), (('diagrams', ('jinja2', 'railroad-diagrams')),)),
    ('pypdf', '6.21.1', False, ('pypdf',), (), (('brotli', ('brotli>=1.2.0',)), ('crypto', ('cryptography>3.0',)), ('cryptodome', ('pycryptodome',)), ('dev', ('flit', 'pip-tools', 'pre-commit', 'pytest-cov', 'pytest-socket', 'pytest-timeout', 'pytest-xdist', 'wheel')), ('docs', ('myst-parser', 'sphinx', 'sphinx-rtd-theme')), ('fonts', ('fonttools',)), ('full', ('arabic-reshaper', 'brotli>=1.2.0', 'cryptography>3.0', 'fonttools', 'pillow>=8.0.0', 'python-bidi')), ('image', ('pillow>=8.0.0',)), ('rtl-text', ('arabic-reshaper', 'python-bidi')))),
    ('python-dateutil', '2.9.0.post0', False, ('dateutil',), ('six',), ()),
    ('pyyaml', '6.0.3', False, ('yaml',), (), ()),
    ('regex', '2026.9.29', True, ('regex',), (), ()),
    ('reportlab', '5.0.1', False, ('reportlab', 'reportlab_mods', 'reportlab_settings'), ('charset-normalizer', 'pillow'), (('accel', ('rl-accel<1.1,>=0.9.0',)), ('bidi', ('rlbidi',)), ('pycairo', ('freetype-py<2.4,>=2.3.0', 'rlpycairo<1,>=0.2.0')), ('shaping', ('uharfbuzz',)))),
    ('scikit-learn', '1.9.1', True, ('sklearn',), ('joblib', 'narwhals', 'numpy', 'scipy', 'threadpoolctl'), ()),
    ('scipy', '1.18.1', True, ('scipy',), ('numpy',), (('dev', ('click<8.3.0', 'cython-lint>=0.12.2', 'mypy==1.19.1', 'pycodestyle', 'pyrefly==0.63.0', 'ruff>=0.12.0', 'spin', 'types-psutil', 'typing-extensions')), ('doc', ('intersphinx-registry', 'jupyterlite-pyodide-kernel', 'jupyterlite-sphinx>=0.19.1', 'jupytext', 'linkify-it-py', 'matplotlib>=3.5', 'myst-nb>=1.2.0', 'numpydoc', 'pooch', 'pydata-sphinx-theme>=0.15.2', 'sphinx-copybutton', 'sphinx-design>=0.4.0', 'sphinx<8.2.0,>=5.0.0', 'tabulate')), ('test', ('array-api-strict>=2.3.1', 'asv', 'cython', 'gmpy2', 'hypothesis>=6.30', 'meson', 'mpmath', 'ninja', 'pooch', 'pytest-cov', 'pytest-timeout', 'pytest-xdist', 'pytest>=8.0.0', 'scikit-umfpack', 'scipy-doctest>=2.0.0', 'threadpoolctl')))),
    ('seaborn', '0.13.2', True, ('seaborn',), ('matplotlib', 'numpy', 'pandas'), (('dev', ('flake8', 'flit', 'mypy', 'pandas-stubs', 'pre-commit', 'pytest', 'pytest-cov', 'pytest-xdist')), ('docs', ('ipykernel', 'nbconvert', 'numpydoc', 'pydata-sphinx-theme==0.10.0rc2', 'pyyaml', 'sphinx-copybutton', 'sphinx-design', 'sphinx-issues', 'sphinx<6.0.0')), ('stats', ('scipy>=1.7', 'statsmodels>=0.12')))),
    ('six', '1.17.0', False, ('six',), (), ()),
    ('soupsieve', '3.0.3', False, ('soupsieve',), (), ()),
    ('statsmodels', '0.15.0', True, ('statsmodels',), ('formulaic', 'numpy', 'packaging', 'pandas', 'patsy', 'scipy'), (('dev', ('colorama', 'cython<4,>=3.0.10', 'joblib', 'matplotlib>=3', 'meson', 'meson-python>=0.18.0', 'ninja', 'ruff', 'setuptools-scm~=9.0')), ('doc', ('arviz', 'jinja2', 'jupyter', 'nbconvert', 'nbsphinx', 'notebook', 'numpydoc', 'pandas!=2.1.0,>=2.2.2', 'pandas-datareader', 'pickleshare', 'pydata-sphinx-theme', 'pymc', 'pytest<10,>=8.4.1', 'pyyaml', 'seaborn', 'simplegeneric', 'sphinx')), ('polars', ('polars>=1.0.0',)), ('test', ('coverage[toml]', 'meson', 'ninja', 'pytest-cov', 'pytest-randomly', 'pytest-run-parallel', 'pytest-xdist', 'pytest<10,>=8.4.1')))),
    ('sympy', '1.14.0', False, ('isympy', 'sympy'), ('mpmath',), (('dev', ('hypothesis>=6.70.0', 'pytest>=7.1.0')),)),
    ('tabulate', '0.10.0', False, ('tabulate',), (), (('widechars', ('wcwidth',)),)),
    ('threadpoolctl', '3.7.0', False, ('threadpoolctl',), (), ()),
    ('tomli-w', '1.2.0', False, ('tomli_w',), (), ()),
    ('toolz', '1.2.0', False, ('tlz', 'toolz'), (), ()),
    ('tqdm', '4.70.1', False, ('tqdm',), (), (('discord', ('envwrap', 'requests')), ('notebook', ('ipywidgets>=6',)), ('slack', ('envwrap', 'slack-sdk')), ('telegram', ('envwrap', 'requests')))),
    ('typing-extensions', '4.16.0', False, ('typing_extensions',), (), ()),
    ('tzdata', '2026.5', False, ('tzdata',), (), ()),
    ('webencodings', '0.6.1', False, ('webencodings',), (), (('doc', ('furo', 'sphinx')), ('test', ('pytest', 'ruff')))),
    ('wrapt', '2.5.1', False, ('wrapt',), (), (('dev', ('pytest', 'setuptools')),)),
    ('xlrd', '2.0.2', False, ('xlrd',), (), (('build', ('twine', 'wheel')), ('docs', ('sphinx',)), ('test', ('pytest', 'pytest-cov')))),
    ('xlsxwriter', '3.2.9', False, ('xlsxwriter',), (), ()),
    ('xmltodict', '1.0.4', False, ('xmltodict',), (), (('test', ('pytest', 'pytest-cov')),)),
)

# Top-level names that `core` cannot import.
SCIENCE = frozenset(
    {
        "PIL",
        "contourpy",
        "formulaic",
        "kiwisolver",
        "lxml",
        "matplotlib",
        "numpy",
        "pandas",
        "patsy",
        "pylab",
        "regex",
        "scipy",
        "seaborn",
        "sklearn",
        "statsmodels",
    }
)
