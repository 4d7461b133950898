"""The chart and a selector in bare Streamlit; PAGE_DATA names a JSON file with both."""

import json
import os
from pathlib import Path

import streamlit as st

told = json.loads(Path(os.environ["PAGE_DATA"]).read_text())
st.selectbox("Agency", told["agencies"])
st.vega_lite_chart(spec=told["spec"], use_container_width=True)
