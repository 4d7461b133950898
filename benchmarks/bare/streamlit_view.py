"""A chart and a table by agency in bare Streamlit; VIEW_DATA names a JSON file with them ready."""

import json
import os
from pathlib import Path

import streamlit as st


@st.cache_resource
def views():
    return json.loads(Path(os.environ["VIEW_DATA"]).read_text())


agency = st.selectbox("Agency", list(views()))
st.vega_lite_chart(spec=views()[agency]["spec"], use_container_width=True)
st.dataframe(views()[agency]["rows"])
